package simulation

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"ordeal/results/diagram"
)

// Diagram returns what was gathered, with the clients that called something and the nodes as lanes.
// The title and the notes are the caller's to add.
func (s *Sequence) Diagram() diagram.Diagram {
	d := drawing{
		sequence: s, lanes: make(map[string]int), sent: make(map[uint64]*sending),
		calls: make(map[uint64]opened), spans: make(map[string]opened),
		signal: make(map[uint64]bool),
	}
	d.place()
	d.name()
	for i := range s.items {
		d.draw(&s.items[i], d.rows[i])
	}
	d.finish()
	d.out.Before, d.out.After = s.before+d.skipped, s.after
	return d.out
}

// A drawing is a diagram in the making.
type drawing struct {
	sequence *Sequence
	out      diagram.Diagram
	// rows are those of the items, Outside for what is before the first that is drawn; skipped is
	// how many rows are.
	rows    []int
	skipped int
	lanes   map[string]int
	// sent are the datagrams, and what travels between clients and nodes, by number: the highest bits
	// tell them apart. calls are the operations that clients wait for, spans what is in force, and
	// signal the requests of marked operations.
	sent   map[uint64]*sending
	calls  map[uint64]opened
	spans  map[string]opened
	signal map[uint64]bool
	// over tells that a row Outside is behind the picture now, and not before it.
	over bool
}

// A sending is a message that was sent in a row, at a time.
type sending struct {
	row          int
	at           time.Duration
	from, to     int
	label, short string
	signal       bool
	ended        bool
}

// An opened span began in a row.
type opened struct {
	row    int
	lane   int
	kind   diagram.SpanKind
	text   string
	signal bool
}

const (
	// requestBit and answerBit tell what travels between clients and nodes from datagrams.
	requestBit = 1 << 63
	answerBit  = 1 << 62
)

// rowsBefore is how many rows are drawn before the first operation of a violation.
const rowsBefore = 10

// place gives each item its row. The datagrams of one broadcast share one, and what only begins to
// wait has that of what came before.
func (d *drawing) place() {
	type broadcast struct {
		node, text string
		at         time.Duration
	}
	rows, first, at := 0, -1, []time.Duration{}
	last := make(map[broadcast]int)
	options := &d.sequence.options
	for _, i := range d.sequence.items {
		b := broadcast{i.node, i.text, i.at}
		row, again := last[b]
		switch {
		case i.kind == KindHold:
			row = rows - 1
		case i.kind == KindSend && again:
		default:
			row = rows
			rows, at = rows+1, append(at, i.at)
			if i.kind == KindSend {
				last[b] = row
			}
		}
		d.rows = append(d.rows, row)
		if first < 0 && i.kind == KindCall && slices.Contains(options.Marked, i.op) {
			first = row
		}
	}
	d.skipped = max(0, rows-options.Rows)
	if options.Whole && first >= 0 {
		d.skipped = max(min(d.skipped, first-rowsBefore), 0, rows-diagram.RowsMax)
	}
	d.out.Rows = at[d.skipped:]
	for i := range d.rows {
		d.rows[i] = max(d.rows[i]-d.skipped, diagram.Outside)
	}
}

// name makes the lanes: the clients of which something is drawn or marked, and all nodes.
func (d *drawing) name() {
	var clients []int
	nodes := len(d.sequence.nodes)
	for i, item := range d.sequence.items {
		drawn := d.rows[i] != diagram.Outside || slices.Contains(d.sequence.options.Marked, item.op)
		if item.op != 0 && drawn && !slices.Contains(clients, item.client) {
			clients = append(clients, item.client)
		}
	}
	slices.Sort(clients)
	add := func(name string, client bool) {
		d.lanes[name] = len(d.out.Lanes)
		d.out.Lanes = append(d.out.Lanes, diagram.Lane{Name: name, Client: client})
	}
	for _, client := range clients {
		add(clientName(client), true)
	}
	for i := range nodes {
		add(fmt.Sprintf("n%d", i+1), false)
	}
}

func clientName(client int) string { return fmt.Sprintf("c%d", client) }

// draw adds an item in its row.
func (d *drawing) draw(i *item, row int) {
	switch i.kind {
	case KindSend, KindHold, KindDeliver, KindLose, KindCutOff:
		d.datagram(i, row)
	case KindCall, KindArrive, KindRespond, KindReturn, KindGiveUp, KindLate:
		d.operation(i, row)
	case KindSync:
		kind := diagram.Disk
		if i.short != "" {
			kind = diagram.Written
		}
		d.mark(i, row, kind)
	case KindTimeout, KindMute:
		d.mark(i, row, diagram.Timer)
	case KindViolation:
		d.mark(i, row, diagram.Alarm)
	case KindStart:
		d.close("down "+i.node, row)
		d.mark(i, row, diagram.Start)
	case KindEnd:
		d.close("frozen "+i.node, row)
		d.close("down "+i.node, row)
		d.mark(i, row, diagram.End)
		d.spans["down "+i.node] = opened{row: row, lane: d.lanes[i.node], kind: diagram.Down}
	case KindPause:
		d.mark(i, row, diagram.Note)
		d.spans["frozen "+i.node] = opened{row: row, lane: d.lanes[i.node], kind: diagram.Frozen}
	case KindResume:
		d.close("frozen "+i.node, row)
		d.mark(i, row, diagram.Note)
	case KindFaultBegins:
		d.fault(i, row, "begins: ")
		d.spans["fault "+i.node] = opened{
			row: row, lane: diagram.AllLanes, kind: diagram.Fault, text: i.text,
		}
	case KindFaultEnds:
		d.fault(i, row, "is healed: ")
		d.close("fault "+i.node, row)
	}
}

func (d *drawing) fault(i *item, row int, verb string) {
	if row != diagram.Outside {
		d.out.Marks = append(d.out.Marks, diagram.Mark{
			Row: row, Lane: diagram.AllLanes, Text: "fault " + i.node + " " + verb + i.text,
		})
	}
}

func (d *drawing) mark(i *item, row int, kind diagram.MarkKind) {
	if row != diagram.Outside {
		d.out.Marks = append(d.out.Marks, diagram.Mark{
			Row: row, Lane: d.lanes[i.node], Kind: kind, Text: i.text,
			Signal: kind == diagram.Alarm,
		})
	}
}

// close ends a span, which is drawn unless all of it is before the picture.
func (d *drawing) close(name string, row int) {
	o, open := d.spans[name]
	delete(d.spans, name)
	if open && row != diagram.Outside {
		d.span(o, row)
	}
}

func (d *drawing) span(o opened, to int) {
	d.out.Spans = append(d.out.Spans, diagram.Span{
		Lane: o.lane, From: o.row, To: to, Kind: o.kind, Text: o.text, Signal: o.signal,
	})
}

// datagram adds what happens to one.
func (d *drawing) datagram(i *item, row int) {
	s := d.sent[i.datagram]
	if i.kind == KindSend || s == nil {
		s = &sending{
			row: row, at: i.at, label: i.text, short: i.short, signal: d.signal[i.request],
			from: d.lanes[nodeName(int(i.from))], to: d.lanes[nodeName(int(i.to))],
		}
		if i.kind != KindSend {
			s.row = diagram.Outside
		}
		d.sent[i.datagram] = s
	}
	switch i.kind {
	case KindHold:
		s.label += " (held back)"
	case KindDeliver:
		d.arrow(s, row, s.short, diagram.Arrived)
	case KindCutOff:
		d.arrow(s, row, "cut off: "+s.short, diagram.Refused)
	case KindLose:
		if s.at == i.at {
			d.arrow(s, row, "lost: "+s.short, diagram.Lost)
		} else {
			d.arrow(s, row, "nobody takes: "+s.short, diagram.Refused)
		}
	}
}

// arrow adds a message that has ended, unless that was before the picture.
func (d *drawing) arrow(s *sending, row int, short string, fate diagram.Fate) {
	s.ended = true
	if row == diagram.Outside && !d.over {
		return
	}
	d.out.Arrows = append(d.out.Arrows, diagram.Arrow{
		From: s.from, To: s.to, Sent: s.row, Ended: row, Label: s.label, Short: short, Fate: fate,
		Signal: s.signal,
	})
}

// operation adds what happens to one of a client that is drawn.
func (d *drawing) operation(i *item, row int) {
	client, drawn := d.lanes[clientName(i.client)]
	if !drawn {
		return
	}
	node := d.lanes[i.node]
	if slices.Contains(d.sequence.options.Marked, i.op) {
		d.signal[i.request] = true
	}
	signal := d.signal[i.request]
	travels := func(bit uint64, from, to int, label, short string) {
		d.sent[i.request|bit] = &sending{
			row: row, at: i.at, from: from, to: to, label: label, short: short, signal: signal,
		}
	}
	ends := func(bit uint64, short string, fate diagram.Fate) {
		if s := d.sent[i.request|bit]; s != nil {
			d.arrow(s, row, short, fate)
		}
	}
	says := func(text string) {
		if row != diagram.Outside {
			d.out.Marks = append(d.out.Marks, diagram.Mark{
				Row: row, Lane: client, Text: text, Signal: signal,
			})
		}
	}
	switch i.kind {
	case KindCall:
		says("asks " + i.node + ": " + i.text)
		travels(requestBit, client, node, "", i.short)
		d.calls[i.request] = opened{row: row, lane: client, kind: diagram.Busy, signal: signal}
	case KindArrive:
		ends(requestBit, i.short, diagram.Arrived)
	case KindRespond:
		travels(answerBit, node, client, i.text, "")
	case KindLate:
		ends(answerBit, "too late: "+i.short, diagram.Refused)
	case KindReturn, KindGiveUp:
		says(i.text)
		if i.kind == KindReturn {
			ends(answerBit, "", diagram.Arrived)
		}
		if o, waits := d.calls[i.request]; waits && row != diagram.Outside {
			d.span(o, row)
		}
		delete(d.calls, i.request)
	}
}

// finish adds what goes on when the picture ends.
func (d *drawing) finish() {
	d.over = true
	for _, name := range slices.Sorted(maps.Keys(d.spans)) {
		d.span(d.spans[name], diagram.Outside)
	}
	for _, request := range slices.Sorted(maps.Keys(d.calls)) {
		d.span(d.calls[request], diagram.Outside)
	}
	for _, number := range slices.Sorted(maps.Keys(d.sent)) {
		if s := d.sent[number]; !s.ended && s.row != diagram.Outside {
			d.arrow(s, diagram.Outside, "", diagram.Arrived)
		}
	}
}

func nodeName(number int) string { return fmt.Sprintf("n%d", number) }
