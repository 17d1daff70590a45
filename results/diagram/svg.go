package diagram

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Measures of the picture, in its units, which are pixels at its natural size.
const (
	rowHeight    = 20
	stampWidth   = 84
	clientWidth  = 120
	nodeWidth    = 150
	marginRight  = 230
	letterWidth  = 6.7
	headerEvery  = 40 // rows between two repetitions of the lanes' names
	headerGap    = 26
	lineHeight   = 17
	noteLetters  = 130
	bandWidth    = 5
	labelDistant = 9
)

//go:embed style.css
var style string

// SVG writes d as a picture of its own: no script, no network, light or dark as the reader's
// system is. The error is w's, or names what is wrong with d.
func SVG(w io.Writer, d Diagram) error {
	if err := d.validate(); err != nil {
		return err
	}
	p := &picture{d: d, index: d.index()}
	x := float64(stampWidth + 30)
	for _, lane := range d.Lanes {
		width := float64(nodeWidth)
		if lane.Client {
			width = clientWidth
		}
		p.x = append(p.x, x+10)
		x += width
	}
	p.width = max(x+marginRight, 900)
	p.head()
	p.height = p.y(len(d.Rows)) + 2*rowHeight
	p.bands()
	p.lanes()
	p.spans()
	for _, a := range d.Arrows {
		p.arrow(a)
	}
	for row := range d.Rows {
		p.row(row)
	}
	p.names()
	if more := leftOut(d.After, "later"); more != "" {
		p.text(stampWidth+10, p.height-6, "note", more)
	}
	_, err := fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" `+
		`viewBox="0 0 %.0f %.0f" role="img">
<title>%s</title>
<style>
%s</style>
<defs>
<marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" `+
		`orient="auto"><path class="head" d="M0 0.5 8 4 0 7.5z"/></marker>
<marker id="signal" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" `+
		`orient="auto"><path class="head signal" d="M0 0.5 8 4 0 7.5z"/></marker>
</defs>
<rect class="ground" width="100%%" height="100%%"/>
%s</svg>
`, p.width, p.height, p.width, p.height, escaped(d.Title), style, p.out.String())
	return err
}

// A picture is a diagram on its way to SVG.
type picture struct {
	d     Diagram
	index rowIndex
	out   bytes.Buffer
	// x are the middles of the lanes; top is where the first row begins.
	x                  []float64
	width, height, top float64
}

// y returns the middle of a row. Where the lanes' names are repeated there is room for them.
func (p *picture) y(row int) float64 {
	return p.top + (float64(row)+0.5)*rowHeight + float64(row/headerEvery)*headerGap
}

// ends returns where a span begins and ends.
func (p *picture) ends(s Span) (from, to float64) {
	from, to = p.top, p.height-rowHeight
	if s.From != Outside {
		from = p.y(s.From)
	}
	if s.To != Outside {
		to = p.y(s.To)
	}
	return from, to
}

func (p *picture) add(format string, arguments ...any) {
	fmt.Fprintf(&p.out, format+"\n", arguments...)
}

func (p *picture) text(x, y float64, class, s string) {
	p.add(`<text x="%.1f" y="%.1f" class="%s">%s</text>`, x, y, class, escaped(s))
}

// head writes the title, the notes and the legend.
func (p *picture) head() {
	y := 26.0
	p.text(16, y, "title", p.d.Title)
	for _, note := range p.d.Notes {
		for _, line := range wrapped(note, noteLetters) {
			y += lineHeight
			p.text(16, y, "note", line)
		}
	}
	y = p.legend(y+26) + 16
	if more := leftOut(p.d.Before, "earlier"); more != "" {
		y += lineHeight
		p.text(stampWidth+10, y, "note", more)
	}
	p.top = y + 30
}

// legend writes one sample of each sign, and returns where its last line stands.
func (p *picture) legend(y float64) float64 {
	x := 16.0
	sample := func(width float64, text, format string, arguments ...any) {
		if x+width+6+letterWidth*float64(utf8.RuneCountInString(text)) > p.width {
			x, y = 16, y+lineHeight+4
		}
		p.add(`<g transform="translate(%.1f %.1f)">`+format+`</g>`,
			append([]any{x, y - 4}, arguments...)...)
		p.text(x+width+6, y, "note", text)
		x += width + 24 + letterWidth*float64(utf8.RuneCountInString(text))
	}
	sample(34, "message", `<circle r="3.5" class="dot"/>`+
		`<path class="arrow" marker-end="url(#end)" d="M0 0H34"/>`)
	sample(34, "lost, cut off or refused", `<circle r="3.5" class="dot"/>`+
		`<path class="arrow lost" d="M0 0H30"/>`+cross, 30.0, 0.0)
	sample(10, "on disk", `<path class="disk" d="M0 -4h9v8h-9z"/>`)
	sample(10, "timer", `<circle cx="5" class="timer" r="4.5"/><path class="hand" d="M5 -3V0H8"/>`)
	sample(12, "client waits", `<path class="busy" d="M0 -6h10v12h-10z"/>`)
	sample(12, "no process", `<path class="down" d="M5 -7V7"/>`)
	sample(12, "frozen", `<path class="frozen" d="M0 -6h12v12h-12z"/>`)
	sample(12, "fault in force", `<path class="band" d="M0 -6h12v12h-12z"/>`)
	sample(12, "part of the violation", `<path class="busy signal" d="M0 -6h10v12h-10z"/>`)
	return y
}

// cross is the end of what does not arrive, at two coordinates.
const cross = `<path class="cross" transform="translate(%.1f %.1f)" d="M-4 -4 4 4M-4 4 4 -4"/>`

// bands shades the times of faults, over the whole width.
func (p *picture) bands() {
	for _, s := range p.d.Spans {
		if s.Lane != AllLanes {
			continue
		}
		from, to := p.ends(s)
		p.add(`<rect class="band" x="%d" y="%.1f" width="%.1f" height="%.1f"><title>%s</title></rect>`,
			stampWidth, from, p.width-stampWidth, max(to-from, 2), escaped(s.Text))
		p.add(`<rect class="edge" x="%d" y="%.1f" width="%d" height="%.1f"/>`,
			stampWidth, from, bandWidth, max(to-from, 2))
	}
}

// lanes draws the lines of the lanes and their names.
func (p *picture) lanes() {
	bottom := p.height - rowHeight
	for i, lane := range p.d.Lanes {
		class := "lane"
		if lane.Client {
			class = "lane client"
		}
		p.add(`<path class="%s" d="M%.1f %.1fV%.1f"/>`, class, p.x[i], p.top, bottom)
		width := 16 + letterWidth*float64(utf8.RuneCountInString(lane.Name))
		p.add(`<rect class="name" x="%.1f" y="%.1f" width="%.1f" height="22" rx="4"/>`,
			p.x[i]-width/2, p.top-24, width)
		p.text(p.x[i], p.top-9, "lane-name", lane.Name)
	}
}

// names writes the names of the lanes again and again.
func (p *picture) names() {
	for row := headerEvery; row < len(p.d.Rows); row += headerEvery {
		for i, lane := range p.d.Lanes {
			p.text(p.x[i], p.y(row)-rowHeight/2-headerGap/2+4, "lane-name again", lane.Name)
		}
	}
}

// spans draws what goes on for a while on one lane.
func (p *picture) spans() {
	for _, s := range p.d.Spans {
		if s.Lane == AllLanes {
			continue
		}
		from, to := p.ends(s)
		x, class := p.x[s.Lane], ""
		if s.Signal {
			class = " signal"
		}
		switch s.Kind {
		case Down:
			p.add(`<path class="gap" d="M%.1f %.1fV%.1f"/>`, x, from, to)
			p.add(`<path class="down" d="M%.1f %.1fV%.1f"/>`, x, from, to)
		case Frozen:
			p.add(`<rect class="frozen" x="%.1f" y="%.1f" width="14" height="%.1f"/>`,
				x-7, from, to-from)
		default:
			p.add(`<rect class="busy%s" x="%.1f" y="%.1f" width="10" height="%.1f" rx="2"/>`,
				class, x-5, from, max(to-from, 4))
		}
	}
}

// escaped writes s as the text of an element or attribute. What XML cannot hold is replaced.
func escaped(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(clean(s)))
	return b.String()
}

// wrapped breaks s at spaces into lines of so many letters at the most, where that can be done.
func wrapped(s string, letters int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > letters {
			lines, line = append(lines, line), ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
