package jepsen

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// formSizeMax bounds an operation, in bytes of the file, and so what is held in memory of it.
	formSizeMax = 1 << 20
	// depthMax bounds how deep forms may stand in each other: an operation needs four, and the data
	// of an exception that somebody put beside it some more.
	depthMax = 200
	// namesMax bounds how many short texts are kept to be used again, and nameSizeMax their size.
	namesMax, nameSizeMax = 1 << 16, 32
)

// errCut is returned where the file ends in the middle of a form.
var errCut = errors.New("the file ends in the middle of a form")

// A reader reads forms of EDN one after the other, as clojure.edn does. Its errors name the line.
type reader struct {
	name string
	in   *bufio.Reader
	// line is that of the next byte.
	line int
	// begun is the line of the present operation, and size how many bytes it has.
	begun, size int
	// inner is the line of a whole operation that stands inside the present one, 0 if there is none.
	inner int
	// ended tells that the last word ended with the file, and may have been longer.
	ended bool
	token []byte
	names map[string]string
	// stack holds the items of the collections that are open, and items those of the others, until
	// the next operation begins.
	stack, items []form
	// zeros and compressed say in which way the file was cut: by zero bytes in the place of what was
	// not written, or in the middle of its compression.
	zeros, compressed bool
}

func newReader(in *bufio.Reader, name string) *reader {
	if mark, _ := in.Peek(3); string(mark) == byteOrderMark {
		_, _ = in.Discard(3)
	}
	return &reader{name: name, in: in, line: 1, names: map[string]string{}}
}

// byteOrderMark is what some editors put at the beginning of a file.
const byteOrderMark = "\uFEFF"

// fail returns an error about a line.
func (r *reader) fail(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: "+format, append([]any{r.name, line}, args...)...)
}

// begin makes ready for the next operation. Forms that were returned before are void then.
func (r *reader) begin() {
	r.size, r.inner, r.stack, r.items = 0, 0, r.stack[:0], r.items[:0]
}

// next returns the next byte, and io.EOF at the end of the file, also one that was cut.
func (r *reader) next() (byte, error) {
	c, err := r.in.ReadByte()
	if err == nil && c > '\n' {
		r.size++
		return c, nil
	}
	for err == nil && c == 0 {
		r.zeros = true
		c, err = r.in.ReadByte()
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		r.compressed = true
		return 0, io.EOF
	case errors.Is(err, io.EOF):
		return 0, io.EOF
	case err != nil:
		return 0, r.fail(r.line, "the file cannot be read from here on: %w", err)
	case r.zeros:
		return 0, r.fail(r.line, "there is a zero byte (accepted: EDN, which is text)")
	}
	r.size++
	if c == '\n' {
		r.line++
	}
	return c, nil
}

// back makes c, which next returned, the next byte again.
func (r *reader) back(c byte) {
	_ = r.in.UnreadByte()
	r.size--
	if c == '\n' {
		r.line--
	}
}

// skip returns the first byte that is neither white space nor in a comment.
func (r *reader) skip() (byte, error) {
	comment := false
	for {
		c, err := r.next()
		switch {
		case err != nil:
			return 0, err
		case c == '\n':
			comment = false
		case comment || space(c):
		case c == ';':
			comment = true
		default:
			return c, nil
		}
	}
}

// space tells whether c separates forms: EDN counts the comma in.
func space(c byte) bool { return c == ' ' || c == ',' || c >= '\t' && c <= '\r' }

// delimiters are what cannot be in a symbol or number.
var delimiters = func() (is [256]bool) {
	for c := range is {
		is[c] = space(byte(c)) || strings.IndexByte(`()[]{}";\`, byte(c)) >= 0
	}
	return is
}()

// form returns the next form, or the bracket that closes the collection around it. It returns
// io.EOF at the end of the file and errCut if a form had begun by then.
func (r *reader) form(depth int) (form, error) {
	for {
		c, err := r.skip()
		if err != nil {
			return form{}, err
		}
		line := r.line
		if depth == 0 {
			r.begun = line
		}
		if depth > depthMax {
			return form{}, r.fail(line, "there are more than %d forms in each other", depthMax)
		}
		switch c {
		case '(':
			return r.collection(sequence, ")", line, depth)
		case '[':
			return r.collection(sequence, "]", line, depth)
		case '{':
			return r.collection(dictionary, "}", line, depth)
		case ')', ']', '}':
			return form{kind: closing, text: string(c), line: line}, nil
		case '"':
			return r.string(line)
		case '\\':
			return r.character(line)
		case '#':
			f, discarded, err := r.dispatch(line, depth)
			if err != nil || !discarded {
				return f, cutAtEnd(err)
			}
			continue
		}
		r.back(c)
		return r.atom(line)
	}
}

// cutAtEnd makes the end of the file an error, where something had begun.
func cutAtEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return errCut
	}
	return err
}

// collection reads what stands behind an opening bracket, up to the closing one.
func (r *reader) collection(kind kind, end string, line, depth int) (form, error) {
	f := form{kind: kind, line: line}
	base := len(r.stack)
	for {
		item, err := r.form(depth + 1)
		if r.ended {
			err = errCut
		}
		if err != nil {
			return form{}, cutAtEnd(err)
		}
		if item.kind == closing && item.text != end {
			return form{}, r.fail(item.line, "there is a %s where what begins in line %d "+
				"needs a %s", item.text, line, end)
		}
		if item.kind == closing {
			break
		}
		if err := r.checkSize(line); err != nil {
			return form{}, err
		}
		r.stack = append(r.stack, item)
	}
	begin := len(r.items)
	r.items = append(r.items, r.stack[base:]...)
	r.stack = r.stack[:base]
	f.items = r.items[begin:len(r.items):len(r.items)]
	if kind == dictionary && len(f.items)%2 != 0 {
		return form{}, r.fail(line, "a map has a key without a value")
	}
	if depth > 0 && r.inner == 0 && f.operation() {
		r.inner = line
	}
	return f, nil
}

// operation tells whether f looks like an operation.
func (f form) operation() bool {
	process, outcome := false, false
	for i := 0; f.kind == dictionary && i < len(f.items); i += 2 {
		process = process || f.items[i].text == ":process"
		outcome = outcome || f.items[i].text == ":type"
	}
	return process && outcome
}

func (r *reader) checkSize(line int) error {
	if r.size > formSizeMax {
		return r.fail(line, "an operation is longer than %d bytes (is a bracket or a quote missing?)",
			formSizeMax)
	}
	return nil
}

// dispatch reads what stands behind a #: a set, a tag and what it tags, or a form to discard.
func (r *reader) dispatch(line, depth int) (f form, discarded bool, err error) {
	c, err := r.next()
	switch {
	case err != nil:
		return form{}, false, err
	case c == '{':
		f, err = r.collection(set, "}", line, depth)
		return f, false, err
	case c == '_':
		_, err = r.inside(line, depth)
		return form{}, true, err
	case c == '#':
		f, err = r.symbolic(line)
		return f, false, err
	}
	r.back(c)
	tag, err := r.word(line)
	if err != nil {
		return form{}, false, err
	}
	if tag == "" || c != ':' && !letter(c) {
		return form{}, false, r.fail(line, "#%.40s is no EDN (accepted: #tag, #{ and #_)", tag)
	}
	item, err := r.inside(line, depth)
	return form{kind: tagged, text: tag, items: []form{item}, line: line}, false, err
}

// inside reads the one form that belongs to a # of a line.
func (r *reader) inside(line, depth int) (form, error) {
	f, err := r.form(depth + 1)
	if err == nil && f.kind == closing {
		err = r.fail(line, "there is a # with nothing behind it")
	}
	if err == nil {
		err = r.checkSize(line)
	}
	return f, err
}

func letter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}

// word returns everything up to the next delimiter.
func (r *reader) word(line int) (string, error) {
	r.token = r.token[:0]
	for {
		c, err := r.next()
		if errors.Is(err, io.EOF) {
			r.ended = true
			break
		}
		if err != nil {
			return "", err
		}
		if delimiters[c] {
			r.back(c)
			break
		}
		if err := r.checkSize(line); err != nil {
			return "", err
		}
		r.token = append(r.token, c)
	}
	if !utf8.Valid(r.token) {
		return "", r.fail(line, "%.40q is not UTF-8", r.token)
	}
	for _, c := range string(r.token) {
		if !unicode.IsPrint(c) {
			return "", r.fail(line, "%.40q has a character that cannot be seen (accepted: EDN)",
				r.token)
		}
	}
	return r.named(r.token), nil
}

// named returns text as a string, which is the same one for a short text that was there before.
func (r *reader) named(text []byte) string {
	if name, known := r.names[string(text)]; known {
		return name
	}
	name := string(text)
	if len(name) <= nameSizeMax && len(r.names) < namesMax {
		r.names[name] = name
	}
	return name
}
