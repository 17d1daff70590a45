package history

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A Reader reads the events of a history one after the other, from the lines that a Writer wrote,
// compressed by gzip or not.
//
// What the death of the writing process or of its machine leaves is no error: a last line without
// its end, also one that is followed by nothing but zero bytes, and a compressed file that ends too
// early. Everything before it is the history so far, and Cut tells. Only without a whole first line
// nothing can be read.
//
// Everything else that breaks the rules of a history is refused, with one error that names the
// line, which event it should have been, what is wrong, and what is accepted: then what is there
// is not what was recorded, and a verdict about it would mean nothing.
//
// A Reader is not safe for concurrent use.
type Reader struct {
	name     string
	lines    *bufio.Scanner
	line     int
	header   Header
	plain    *plainReader
	sequence *sequence
	cut      string
	err      error
}

// NewReader reads the header and returns a Reader of what follows it. The name is how errors call
// the history, as the name of a file.
func NewReader(in io.Reader, name string) (*Reader, error) {
	buffered := bufio.NewReader(in)
	in = buffered
	if magic, _ := buffered.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(buffered)
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return nil, errNoFirstLine(name)
		case err != nil:
			return nil, fmt.Errorf("%s: the compressed file is damaged at its beginning: %w",
				name, err)
		}
		in = unzipped
	}
	r := &Reader{
		name: name, lines: bufio.NewScanner(in), plain: newPlainReader(), sequence: newSequence(),
	}
	r.lines.Buffer(make([]byte, 0, bufferSize), lineSizeMax+1)
	r.lines.Split(splitLines)
	text, err := r.scan()
	switch {
	case errors.Is(err, io.EOF) && r.cut != "":
		return nil, errNoFirstLine(name)
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%s: the file is empty (accepted: a history, with a header as its "+
			"first line)", name)
	case err != nil:
		return nil, err
	case cutShort(text):
		return nil, r.wrap(fmt.Errorf("the header is cut short after %d bytes, "+
			"and nothing can be read without it", len(text)))
	}
	if r.header, err = parseHeader(text); err != nil {
		return nil, r.wrap(err)
	}
	return r, nil
}

func errNoFirstLine(name string) error {
	return fmt.Errorf("%s: the compressed file is cut short before the end of its first line, "+
		"and nothing can be read without it", name)
}

// Header returns the first line.
func (r *Reader) Header() Header { return r.header }

// Next returns the next event, and io.EOF after the last one. The operation of a completion is
// whole. After an error it returns that error again.
func (r *Reader) Next() (Event, error) {
	if r.err != nil {
		return Event{}, r.err
	}
	var e Event
	if _, err := r.read(&e, new(Operation)); err != nil {
		r.err = err
		return Event{}, err
	}
	return e, nil
}

// read sets e to the next event, and op to its operation if it is one of an operation, of which it
// returns the place among all that were invoked.
func (r *Reader) read(e *Event, op *Operation) (place int, err error) {
	text, err := r.scan()
	if err != nil {
		return 0, err
	}
	if cutShort(text) {
		r.cut = fmt.Sprintf("%s:%d: the last line is cut short after %d bytes",
			r.name, r.line, len(bytes.TrimRight(text, "\x00")))
		return 0, io.EOF
	}
	l, plain := r.plain.read(text)
	if !plain {
		if l, err = parseLine(text); err != nil {
			return 0, r.wrapEvent(err)
		}
	}
	if err := l.event(e, op); err != nil {
		return 0, r.wrapEvent(err)
	}
	if place, err = r.sequence.add(e); err != nil {
		return 0, r.wrapEvent(err)
	}
	return place, nil
}

// cutShort tells whether a line is the beginning of one that was never finished: JSON without its
// end. Zero bytes in the place of the rest are what a file system may leave of what it had not
// written when the machine died.
func cutShort(line []byte) bool {
	if bytes.HasSuffix(line, []byte("\n")) {
		return false
	}
	var value json.RawMessage
	err := json.NewDecoder(bytes.NewReader(bytes.TrimRight(line, "\x00"))).Decode(&value)
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// Cut says, once Next has returned io.EOF, where the history was cut short; "" if it was not.
func (r *Reader) Cut() string { return r.cut }

// scan returns the next line with its end, if it has one, and io.EOF when there is none.
func (r *Reader) scan() ([]byte, error) {
	found, err := r.lines.Scan(), r.lines.Err()
	// A line without its end may come together with the error that took it.
	if found && (err == nil || errors.Is(err, io.ErrUnexpectedEOF) ||
		bytes.HasSuffix(r.lines.Bytes(), []byte("\n"))) {
		r.line++
		return r.lines.Bytes(), nil
	}
	switch {
	case err == nil:
		return nil, io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		// The compressed stream ends too early: the writer died, as for a cut line.
		r.cut = fmt.Sprintf("%s:%d: the compressed file is cut short after this line",
			r.name, r.line)
		return nil, io.EOF
	case errors.Is(err, bufio.ErrTooLong):
		err = fmt.Errorf("the line is longer than %d bytes", lineSizeMax)
	default:
		err = fmt.Errorf("the file cannot be read from here on: %w", err)
	}
	r.line++
	return nil, r.wrap(err)
}

func (r *Reader) wrap(err error) error {
	return fmt.Errorf("%s:%d: %w", r.name, r.line, err)
}

// wrapEvent is wrap for the line of the event that comes next.
func (r *Reader) wrapEvent(err error) error {
	return r.wrap(fmt.Errorf("event %d: %w", r.sequence.next, err))
}

// splitLines is bufio.ScanLines but keeps the end of the line, which tells a whole last line from
// a cut one.
func splitLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i+1], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}
