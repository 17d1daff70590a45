package history

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// A Reader reads the events of a history one after the other, from the lines that a Writer wrote,
// compressed by gzip or not. It refuses whatever breaks the rules of a history, naming the line.
// A last line without its end, which is what the death of the writing process leaves, is not an
// error: everything before it is the history so far, and Cut tells.
//
// A Reader is not safe for concurrent use.
type Reader struct {
	name     string
	lines    *bufio.Scanner
	line     int
	header   Header
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
		if err != nil {
			return nil, fmt.Errorf("%s: unzip: %w", name, err)
		}
		in = unzipped
	}
	r := &Reader{name: name, lines: bufio.NewScanner(in), sequence: newSequence()}
	r.lines.Buffer(make([]byte, 0, bufferSize), lineSizeMax+1)
	r.lines.Split(splitLines)
	text, err := r.scan()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: there is no header", name)
	}
	if err != nil {
		return nil, err
	}
	if r.header, err = parseHeader(text); err != nil {
		return nil, r.wrap(err)
	}
	return r, nil
}

// Header returns the first line.
func (r *Reader) Header() Header { return r.header }

// Next returns the next event, and io.EOF after the last one. The operation of a completion is
// whole. After an error it returns that error again.
func (r *Reader) Next() (Event, error) {
	if r.err != nil {
		return Event{}, r.err
	}
	e, err := r.next()
	if err != nil {
		r.err = err
		return Event{}, err
	}
	return e, nil
}

func (r *Reader) next() (Event, error) {
	text, err := r.scan()
	if err != nil {
		return Event{}, err
	}
	var e Event
	if err := e.UnmarshalJSON(text); err != nil {
		if !bytes.HasSuffix(text, []byte("\n")) {
			r.cut = fmt.Sprintf("%s:%d: the last line is cut short after %d bytes",
				r.name, r.line, len(text))
			return Event{}, io.EOF
		}
		return Event{}, r.wrap(err)
	}
	if err := r.sequence.add(&e); err != nil {
		return Event{}, r.wrap(err)
	}
	return e, nil
}

// Cut says, once Next has returned io.EOF, where the history was cut short; "" if it was not.
func (r *Reader) Cut() string { return r.cut }

// scan returns the next line with its end, and io.EOF when there is none.
func (r *Reader) scan() ([]byte, error) {
	if r.lines.Scan() {
		r.line++
		return r.lines.Bytes(), nil
	}
	err := r.lines.Err()
	switch {
	case err == nil:
		return nil, io.EOF
	case errors.Is(err, io.ErrUnexpectedEOF):
		// The compressed stream ends too early: the writer died, as for a cut line.
		if r.line == 0 {
			return nil, io.EOF
		}
		r.cut = fmt.Sprintf("%s:%d: the compressed file is cut short", r.name, r.line)
		return nil, io.EOF
	case errors.Is(err, bufio.ErrTooLong):
		err = fmt.Errorf("the line is longer than %d bytes", lineSizeMax)
	}
	r.line++
	return nil, r.wrap(err)
}

func (r *Reader) wrap(err error) error {
	return fmt.Errorf("%s:%d: %w", r.name, r.line, err)
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
