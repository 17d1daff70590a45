package diagram

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// stampColumns is the width of the column of times, signalColumns that of the one before it, in
// which a ! stands for what the picture is about.
const (
	stampColumns  = 11
	signalColumns = 2
	laneColumns   = 4
)

// Text writes d with one line a row, in fixed columns: the time, the lanes with what goes on
// between them, and in words what happens. At most rows of them are written, the last ones; 0
// stands for all. The error is w's, or names what is wrong with d.
func Text(w io.Writer, d Diagram, rows int) error {
	if err := d.validate(); err != nil {
		return err
	}
	t := text{d: d, index: d.index(), first: 0}
	if rows > 0 && len(d.Rows) > rows {
		t.first = len(d.Rows) - rows
	}
	t.columns = laneColumns
	for _, lane := range d.Lanes {
		t.columns = max(t.columns, utf8.RuneCountInString(lane.Name)+1)
	}
	var b strings.Builder
	t.head(&b)
	for row := t.first; row < len(d.Rows); row++ {
		t.line(&b, row)
	}
	if more := leftOut(d.After, "later"); more != "" {
		fmt.Fprintf(&b, "%*s%s\n", signalColumns+stampColumns+2, "", more)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// A text is a diagram on its way to a terminal.
type text struct {
	d       Diagram
	index   rowIndex
	first   int
	columns int
}

func (t *text) head(b *strings.Builder) {
	fmt.Fprintln(b, clean(t.d.Title))
	for _, note := range t.d.Notes {
		fmt.Fprintln(b, clean(note))
	}
	fmt.Fprintln(b, "● sends  ▶ arrives  × is lost  ■ on disk  □ written only  ◷ timer  ▲ start  "+
		"✖ end  ║ client waits  ┊ frozen  ! part of the violation")
	fmt.Fprintln(b)
	fmt.Fprintf(b, "%*s  ", signalColumns+stampColumns, "seconds")
	for _, lane := range t.d.Lanes {
		fmt.Fprintf(b, "%-*s", t.columns, clean(lane.Name))
	}
	fmt.Fprintln(b)
	if more := leftOut(t.d.Before+t.first, "earlier"); more != "" {
		fmt.Fprintf(b, "%*s%s\n", signalColumns+stampColumns+2, "", more)
	}
}

// line writes one row.
func (t *text) line(b *strings.Builder, row int) {
	canvas := []rune(strings.Repeat(" ", t.columns*len(t.d.Lanes)))
	for lane := range t.d.Lanes {
		canvas[t.place(lane)] = t.idle(lane, row)
	}
	var words []string
	signal := false
	for _, i := range t.index.marks[row] {
		m := t.d.Marks[i]
		signal = signal || m.Signal
		if m.Lane == AllLanes {
			words = append(words, m.Text)
			continue
		}
		if sign, ok := signs[m.Kind]; ok {
			canvas[t.place(m.Lane)] = sign
		}
		words = append(words, t.d.Lanes[m.Lane].Name+" "+m.Text)
	}
	for _, i := range t.index.ended[row] {
		a := t.d.Arrows[i]
		signal = signal || a.Signal
		t.arrow(canvas, a)
		words = append(words, t.ending(a)...)
	}
	for _, i := range t.index.sent[row] {
		signal = signal || t.d.Arrows[i].Signal
		canvas[t.place(t.d.Arrows[i].From)] = '●'
	}
	words = append(words, t.d.broadcasts(t.index.sent[row])...)
	sign := ""
	if signal {
		sign = "!"
	}
	line := fmt.Sprintf("%-*s%*s  %s %s", signalColumns, sign, stampColumns, stamp(t.d.Rows[row]),
		string(canvas), clean(strings.Join(words, "; ")))
	fmt.Fprintln(b, strings.TrimRight(line, " "))
}

var signs = map[MarkKind]rune{Disk: '■', Written: '□', Timer: '◷', Start: '▲', End: '✖', Alarm: '‼'}

// place returns the column of a lane.
func (t *text) place(lane int) int { return lane * t.columns }

// idle returns how a lane looks where nothing happens.
func (t *text) idle(lane, row int) rune {
	look := '│'
	if t.d.Lanes[lane].Client {
		look = '·'
	}
	for _, s := range t.d.Spans {
		if s.Lane != lane || s.From > row || s.To != Outside && s.To < row {
			continue
		}
		switch s.Kind {
		case Down:
			look = ' '
		case Frozen:
			look = '┊'
		case Busy:
			look = '║'
		}
	}
	return look
}

// arrow draws the end of a message, from its sender's lane.
func (t *text) arrow(canvas []rune, a Arrow) {
	from, to, head := t.place(a.From), t.place(a.To), '▶'
	step := 1
	if to < from {
		step, head = -1, '◀'
	}
	end := to
	switch a.Fate {
	case Lost:
		end, head = from+2*step, '×'
	case Refused:
		end, head = to-step, '×'
	}
	for at := from + step; at != end; at += step {
		if canvas[at] == ' ' || canvas[at] == '─' {
			canvas[at] = '─'
		} else {
			canvas[at] = '┼'
		}
	}
	canvas[end] = head
	canvas[from] = map[int]rune{1: '├', -1: '┤'}[step]
}

// ending says in words how a message ended.
func (t *text) ending(a Arrow) []string {
	from, to := t.d.Lanes[a.From].Name, t.d.Lanes[a.To].Name
	if a.Short == "" {
		return nil
	}
	if a.Fate == Arrived {
		return []string{fmt.Sprintf("%s gets from %s: %s", to, from, a.Short)}
	}
	return []string{fmt.Sprintf("%s to %s: %s", from, to, a.Short)}
}

// broadcasts says in words what is sent in a row.
func (d Diagram) broadcasts(sent []int) []string {
	var words, labels []string
	receivers := map[string][]string{}
	for _, i := range sent {
		a := d.Arrows[i]
		if a.Label == "" {
			continue
		}
		label := d.Lanes[a.From].Name + " → %s: " + a.Label
		if !slices.Contains(labels, label) {
			labels = append(labels, label)
		}
		receivers[label] = append(receivers[label], d.Lanes[a.To].Name)
	}
	// What the network repeats was sent once, and two arrows begin there.
	for label, names := range receivers {
		receivers[label] = counted(names)
	}
	for _, label := range labels {
		before, after, _ := strings.Cut(label, "%s")
		words = append(words, before+strings.Join(receivers[label], " ")+after)
	}
	return words
}

// counted returns the names, each once and with how often it stood there if that is more.
func counted(names []string) []string {
	var once []string
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			continue
		}
		if n := strings.Count(" "+strings.Join(names, "  ")+" ", " "+name+" "); n > 1 {
			name += fmt.Sprintf("×%d", n)
		}
		once = append(once, name)
	}
	return once
}

// clean replaces what could move a terminal's cursor or change its colors.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == utf8.RuneError {
			return '?'
		}
		return r
	}, s)
}
