package diagram

import (
	"strings"
	"unicode/utf8"
)

// lostAfter is which part of its way a lost message is drawn.
const lostAfter = 0.4

// arrow draws a message from the row in which it was sent to that in which it ended.
func (p *picture) arrow(a Arrow) {
	from, to := p.x[a.From], p.x[a.To]
	step := 1.0
	if to < from {
		step = -1
	}
	var start, end float64
	if a.Ended != Outside {
		end = p.y(a.Ended)
	}
	if a.Sent != Outside {
		start = p.y(a.Sent)
	} else {
		// It was on its way when the picture began.
		from, start = to-(to-from)*0.25, max(end-rowHeight, p.top-4)
	}
	class, marker := "arrow", ` marker-end="url(#end)"`
	if a.Signal {
		class, marker = "arrow signal", ` marker-end="url(#signal)"`
	}
	switch {
	case a.Ended == Outside:
		// It is on its way when the picture ends.
		marker, class = "", class+" lost"
		to, end = from+(to-from)*0.25, start+rowHeight
	case a.Fate == Lost:
		marker, class = "", class+" lost"
		to = from + (to-from)*lostAfter
	case a.Fate == Refused:
		marker, class = "", class+" lost"
		to -= step * labelDistant
	}
	p.add(`<path class="%s"%s d="M%.1f %.1fL%.1f %.1f"/>`, class, marker, from, start, to, end)
	if a.Ended != Outside && a.Fate != Arrived {
		p.add(cross, to, end)
	}
}

// row writes the time of a row, its signs and what is said in it.
func (p *picture) row(row int) {
	y := p.y(row)
	if row == 0 || p.d.Rows[row] != p.d.Rows[row-1] {
		p.text(stampWidth-8, y+4, "stamp", stamp(p.d.Rows[row]))
	}
	for _, i := range p.index.marks[row] {
		m := p.d.Marks[i]
		class := "label mark"
		if m.Signal {
			class += " signal"
		}
		if m.Lane == AllLanes {
			p.text(stampWidth+12, y+4, class+" fault", m.Text)
			continue
		}
		p.sign(m, y)
		p.label(m.Lane, y, class, m.Text)
	}
	for _, i := range p.index.ended[row] {
		p.endLabel(p.d.Arrows[i], y)
	}
	sent := p.index.sent[row]
	for _, i := range sent {
		class := "dot"
		if p.d.Arrows[i].Signal {
			class += " signal"
		}
		p.add(`<circle class="%s" cx="%.1f" cy="%.1f" r="3.5"/>`, class, p.x[p.d.Arrows[i].From], y)
	}
	if words := p.d.broadcasts(sent); len(words) > 0 {
		a := p.d.Arrows[sent[0]]
		class := "label sent"
		if a.Signal {
			class += " signal"
		}
		_, said, _ := strings.Cut(strings.Join(words, "; "), " ")
		p.label(a.From, y, class, said)
	}
}

// endLabel says what arrived, or that it did not.
func (p *picture) endLabel(a Arrow, y float64) {
	if a.Short == "" {
		return
	}
	class := "label end"
	if a.Fate != Arrived {
		class = "label end lost"
	}
	if a.Signal {
		class += " signal"
	}
	// The cross must not be hidden.
	x, right := p.x[a.To], p.x[a.To] > p.x[a.From]
	switch {
	case a.Fate == Lost && right:
		x = p.x[a.From] + (x-p.x[a.From])*lostAfter
	case a.Fate == Lost:
		x = p.x[a.From]
	case a.Fate == Refused && !right:
		x += labelDistant
	}
	p.labelAt(x, y, class, a.Short)
}

// label writes beside a lane, on its right, or on its left where the picture ends; what fits on
// neither side, across.
func (p *picture) label(lane int, y float64, class, s string) {
	p.labelAt(p.x[lane], y, class, s)
}

func (p *picture) labelAt(x, y float64, class, s string) {
	width := letterWidth * float64(utf8.RuneCountInString(s))
	switch {
	case x+labelDistant+width <= p.width:
	case x-labelDistant-width >= 0:
		p.text(x-labelDistant, y+4, class+" left", s)
		return
	default: // too long for either side: all of it is there, over the lanes
		p.text(max(p.width-width-labelDistant, labelDistant), y+4, class, s)
		return
	}
	p.text(x+labelDistant, y+4, class, s)
}

// sign draws the sign of a mark on its lane.
func (p *picture) sign(m Mark, y float64) {
	x := p.x[m.Lane]
	switch m.Kind {
	case Disk:
		p.add(`<path class="disk" d="M%.1f %.1fh9v8h-9z"/>`, x-4.5, y-4)
	case Written:
		p.add(`<path class="disk written" d="M%.1f %.1fh9v8h-9z"/>`, x-4.5, y-4)
	case Timer:
		p.add(`<circle class="timer" cx="%.1f" cy="%.1f" r="4.5"/>`, x, y)
		p.add(`<path class="hand" d="M%.1f %.1fv3h3"/>`, x, y-3)
	case Start:
		p.add(`<path class="start" d="M%.1f %.1fl6 10h-12z"/>`, x, y-5)
	case End:
		p.add(`<path class="end-sign" d="M%.1f %.1fl10 10m-10 0l10 -10"/>`, x-5, y-5)
	case Alarm:
		p.add(`<circle class="alarm" cx="%.1f" cy="%.1f" r="6"/>`, x, y)
	}
}
