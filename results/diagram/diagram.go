// Package diagram draws sequence diagrams: who told whom what, when, and what became of it. It
// knows nothing of what the lanes are, and has no effects: a Diagram is data, SVG and Text are
// functions of it.
//
// Time flows downwards, one row a happening, whatever time passes between two of them; the time
// stands at the left. So a picture is as long as what happened, not as it took.
package diagram

import (
	"fmt"
	"time"
)

// RowsMax bounds a diagram. A browser takes some seconds for the picture of so many.
const RowsMax = 4000

// A Diagram is what is drawn. Its parts name lanes and rows by their places in Lanes and Rows.
type Diagram struct {
	Title string
	// Notes stand below the title, each a paragraph.
	Notes []string
	Lanes []Lane
	// Rows are the happenings, in order: when each was.
	Rows   []time.Duration
	Arrows []Arrow
	Marks  []Mark
	Spans  []Span
	// Before and After are how many happenings were left out there.
	Before, After int
}

// A Lane is somebody to whom things happen.
type Lane struct {
	Name string
	// Client tells that it does something only within its spans.
	Client bool
}

// Outside is the row of what is before the first or behind the last, and AllLanes the lane of what
// concerns no single one.
const (
	Outside  = -1
	AllLanes = -1
)

// An Arrow is a message.
type Arrow struct {
	From, To int
	// Sent and Ended are rows: Ended that in which it arrived or was lost. Either may be Outside.
	Sent, Ended int
	// Label says what it says, at its beginning; Short is the same at its end. Arrows that begin in
	// one row, on one lane and with one label are one broadcast.
	Label, Short string
	Fate         Fate
	// Signal tells that it belongs to what the picture is about.
	Signal bool
}

// A Fate is what became of a message.
type Fate uint8

// The fates of a message.
const (
	// Arrived, or not yet where the row is Outside.
	Arrived Fate = iota
	// Lost on its way.
	Lost
	// Refused arrived where nobody takes it: behind a cut, or at a dead process.
	Refused
)

// A Mark is something that happens on one lane, or on AllLanes.
type Mark struct {
	Row, Lane int
	Kind      MarkKind
	Text      string
	Signal    bool
}

// A MarkKind is how a mark looks.
type MarkKind uint8

// The kinds of marks.
const (
	// Note is a mark without a sign.
	Note MarkKind = iota
	// Disk: something is durable. Written: it is written only. Timer: one is due. Start and End: of
	// a process. Alarm: something that must not happen.
	Disk
	Written
	Timer
	Start
	End
	Alarm
)

// A Span is a time on one lane, or on AllLanes. From and To are rows, or Outside.
type Span struct {
	Lane, From, To int
	Kind           SpanKind
	// Text names it, where it is a Fault.
	Text   string
	Signal bool
}

// A SpanKind is how a span looks.
type SpanKind uint8

// The kinds of spans.
const (
	// Busy: a client waits for what it asked for.
	Busy SpanKind = iota
	// Down: there is no process. Frozen: there is one that does nothing. Fault: one is in force.
	Down
	Frozen
	Fault
)

// validate returns an error that names what refers to a row or a lane that is not there.
func (d Diagram) validate() error {
	if len(d.Rows) > RowsMax {
		return fmt.Errorf("draw a diagram: %d rows (at most %d)", len(d.Rows), RowsMax)
	}
	row := func(r int) bool { return r >= Outside && r < len(d.Rows) }
	lane := func(l int) bool { return l >= 0 && l < len(d.Lanes) }
	for i, a := range d.Arrows {
		if !row(a.Sent) || !row(a.Ended) || !lane(a.From) || !lane(a.To) || a.From == a.To {
			return fmt.Errorf("draw a diagram: arrow %d leads nowhere: %+v", i, a)
		}
	}
	for i, m := range d.Marks {
		if m.Row < 0 || !row(m.Row) || m.Lane != AllLanes && !lane(m.Lane) {
			return fmt.Errorf("draw a diagram: mark %d stands nowhere: %+v", i, m)
		}
	}
	for i, s := range d.Spans {
		if !row(s.From) || !row(s.To) || s.Lane != AllLanes && !lane(s.Lane) {
			return fmt.Errorf("draw a diagram: span %d stands nowhere: %+v", i, s)
		}
	}
	return nil
}

// A rowIndex holds, of each row, what begins, ends and stands there, by its place in the diagram.
type rowIndex struct {
	sent, ended, marks [][]int
}

func (d Diagram) index() rowIndex {
	n := len(d.Rows)
	x := rowIndex{sent: make([][]int, n), ended: make([][]int, n), marks: make([][]int, n)}
	for i, a := range d.Arrows {
		if a.Sent != Outside {
			x.sent[a.Sent] = append(x.sent[a.Sent], i)
		}
		if a.Ended != Outside {
			x.ended[a.Ended] = append(x.ended[a.Ended], i)
		}
	}
	for i, m := range d.Marks {
		x.marks[m.Row] = append(x.marks[m.Row], i)
	}
	return x
}

// leftOut says how many happenings are not drawn, "" for none.
func leftOut(count int, when string) string {
	if count == 0 {
		return ""
	}
	return fmt.Sprintf("… %d %s happenings are left out", count, when)
}

// stamp writes a time in seconds.
func stamp(at time.Duration) string { return fmt.Sprintf("%.6f", at.Seconds()) }
