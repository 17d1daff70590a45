package history

import (
	"strconv"
	"unicode/utf8"
)

// The plain form of a line is the one that nearly every line of a Writer has: an event of an
// operation, the fields in the order of their declaration, no blanks, no escapes, whole numbers of
// up to 18 digits. It is read and written here without encoding/json, which takes ten times as
// long. Only JSON is dealt with: what a line may say is for the rest of the package, which does not
// know how it was read. Whatever is not plain is left to encoding/json.

// numberDigitsMax is how many digits always fit into an int64.
const numberDigitsMax = 18

// A plainReader reads lines in the plain form.
type plainReader struct {
	// rest is what is left of the line, and failed tells that it is not plain.
	rest   []byte
	failed bool
	texts  recentTexts

	// What the line that is returned points to.
	line            line
	index, time     int64
	process, client int
	applied         bool
	value, expected Value
	returned        Value
}

func newPlainReader() *plainReader { return &plainReader{texts: newRecentTexts()} }

// read returns what parseLine would return, or false if the text is not in the plain form, be it
// sound or not. The line is overwritten by the next call.
func (p *plainReader) read(text []byte) (*line, bool) {
	p.rest, p.failed = text, false
	p.line = line{}
	l := &p.line
	p.need(`{"index":`)
	l.Index = p.number(&p.index)
	p.need(`,"time":`)
	l.Time = p.number(&p.time)
	p.need(`,"type":`)
	l.Type = Type(p.text())
	p.call()
	p.asked()
	p.told()
	p.need("}")
	// The last line may lack its end.
	p.has("\n")
	return l, !p.failed && len(p.rest) == 0
}

// call reads the fields that say who called what.
func (p *plainReader) call() {
	l := &p.line
	if p.has(`,"op":`) {
		p.number(&l.Op)
	}
	if p.has(`,"process":`) {
		l.Process = p.small(&p.process)
	}
	if p.has(`,"client":`) {
		l.Client = p.small(&p.client)
	}
	if p.has(`,"node":`) {
		l.Node = p.text()
	}
	if p.has(`,"f":`) {
		l.Kind = Kind(p.text())
	}
	if p.has(`,"key":`) {
		l.Key = p.text()
	}
}

// asked reads the fields of invocations.
func (p *plainReader) asked() {
	l := &p.line
	if p.has(`,"value":`) {
		l.Value = p.content(&p.value)
	}
	if p.has(`,"expected":`) {
		l.Expected = p.content(&p.expected)
	}
	if p.has(`,"final":`) {
		l.Final = p.truth()
	}
}

// told reads the fields of completions.
func (p *plainReader) told() {
	l := &p.line
	if p.has(`,"applied":`) {
		p.applied = p.truth()
		l.Applied = &p.applied
	}
	if p.has(`,"returned":`) {
		l.Returned = p.content(&p.returned)
	}
	if p.has(`,"blind":`) {
		l.Blind = p.truth()
	}
	if p.has(`,"error":`) {
		l.Error = p.text()
	}
}

// has tells whether the rest begins with what is given, and goes past it.
func (p *plainReader) has(what string) bool {
	if len(p.rest) < len(what) || string(p.rest[:len(what)]) != what {
		return false
	}
	p.rest = p.rest[len(what):]
	return true
}

// need fails unless the rest begins with what is given.
func (p *plainReader) need(what string) {
	if !p.has(what) {
		p.failed = true
	}
}

// number reads a whole number into n, and returns n.
func (p *plainReader) number(n *int64) *int64 {
	negative := p.has("-")
	digits := 0
	var sum int64
	for digits < len(p.rest) && '0' <= p.rest[digits] && p.rest[digits] <= '9' {
		if digits == numberDigitsMax {
			p.failed = true
			return n
		}
		sum = sum*10 + int64(p.rest[digits]-'0')
		digits++
	}
	if digits == 0 || digits > 1 && p.rest[0] == '0' {
		p.failed = true
		return n
	}
	p.rest = p.rest[digits:]
	if negative {
		sum = -sum
	}
	*n = sum
	return n
}

// small is number for an int, which need not have 64 bits.
func (p *plainReader) small(n *int) *int {
	var wide int64
	p.number(&wide)
	*n = int(wide)
	if int64(*n) != wide {
		p.failed = true
	}
	return n
}

// truth reads true or false.
func (p *plainReader) truth() bool {
	if p.has("true") {
		return true
	}
	p.need("false")
	return false
}

// content reads what a register holds into v. It returns v, or nil for null.
func (p *plainReader) content(v *Value) *Value {
	if p.has("null") {
		return nil
	}
	*v = NewValue(p.text())
	return v
}

// text reads a string.
func (p *plainReader) text() string {
	p.need(`"`)
	ascii := true
	for i, c := range p.rest {
		switch {
		case c == '"':
			raw := p.rest[:i]
			if !ascii && !utf8.Valid(raw) {
				p.failed = true
			}
			p.rest = p.rest[i+1:]
			return p.texts.text(raw)
		case c < ' ' || c == '\\':
			p.failed = true
			return ""
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	p.failed = true
	return ""
}

// appendPlain appends the line to text as encoding/json writes it, or returns false if that is not
// the plain form.
func (l *line) appendPlain(text []byte) ([]byte, bool) {
	w := plainWriter{text: text}
	w.number(`{"index":`, *l.Index)
	w.number(`,"time":`, *l.Time)
	w.string(`,"type":`, string(l.Type))
	l.appendCall(&w)
	w.content(`,"value":`, l.Value)
	w.content(`,"expected":`, l.Expected)
	w.truth(`,"final":`, l.Final)
	if l.Applied != nil {
		w.text = append(w.text, `,"applied":`...)
		w.text = strconv.AppendBool(w.text, *l.Applied)
	}
	w.content(`,"returned":`, l.Returned)
	w.truth(`,"blind":`, l.Blind)
	w.optional(`,"error":`, l.Error)
	w.text = append(w.text, '}')
	return w.text, !w.failed && l.Fault == nil && l.Mark == nil
}

// appendCall appends the fields that say who called what.
func (l *line) appendCall(w *plainWriter) {
	if l.Op != 0 {
		w.number(`,"op":`, l.Op)
	}
	if l.Process != nil {
		w.number(`,"process":`, int64(*l.Process))
	}
	if l.Client != nil {
		w.number(`,"client":`, int64(*l.Client))
	}
	w.optional(`,"node":`, l.Node)
	w.optional(`,"f":`, string(l.Kind))
	w.optional(`,"key":`, l.Key)
}

// A plainWriter appends fields in the plain form; failed tells that one needs escapes.
type plainWriter struct {
	text   []byte
	failed bool
}

func (w *plainWriter) number(name string, n int64) {
	w.text = strconv.AppendInt(append(w.text, name...), n, 10)
}

// string appends a text between quotes. What encoding/json escapes it leaves, and everything beyond
// ASCII, of which encoding/json escapes some.
func (w *plainWriter) string(name, text string) {
	for i := range len(text) {
		switch c := text[i]; {
		case c < ' ' || c >= utf8.RuneSelf:
			w.failed = true
		case c == '"' || c == '\\' || c == '<' || c == '>' || c == '&':
			w.failed = true
		}
	}
	w.text = append(append(w.text, name...), '"')
	w.text = append(append(w.text, text...), '"')
}

// optional appends a text that is left out when it is empty.
func (w *plainWriter) optional(name, text string) {
	if text != "" {
		w.string(name, text)
	}
}

// truth appends what is left out when it is false.
func (w *plainWriter) truth(name string, is bool) {
	if is {
		w.text = append(append(w.text, name...), "true"...)
	}
}

// content appends what a register holds; nil is left out.
func (w *plainWriter) content(name string, v *Value) {
	switch {
	case v == nil:
	case v.IsSet():
		w.string(name, v.Text())
	default:
		w.text = append(append(w.text, name...), "null"...)
	}
}
