package history

import (
	"errors"
	"fmt"
	"io"
)

// Scan reads a history to its end and calls f for every operation that ended, in that order, so
// that a history of any length can be read in little memory. What f is given is used again for the
// next one. The record that is returned has the operations that did not end, in the order of their
// calls, and everything else that a Record has.
//
// The name is how errors call the history; what is refused, and what counts as cut short, is said
// at Reader. An error of f ends the reading and is returned as it is.
func Scan(in io.Reader, name string, f func(op *Operation) error) (Record, error) {
	r, err := NewReader(in, name)
	if err != nil {
		return Record{}, fmt.Errorf("read the history: %w", err)
	}
	record := Record{Header: r.Header()}
	var e Event
	var op Operation
	for {
		_, err := r.read(&e, &op)
		switch {
		case errors.Is(err, io.EOF):
			record.Cut = r.Cut()
			record.operations = pending(r.sequence.inFlight(), r.sequence.last)
			return record, nil
		case err != nil:
			return Record{}, fmt.Errorf("read the history: %w", err)
		case e.Operation == nil:
			record.Events = append(record.Events, e)
		case e.Type != TypeInvoke:
			if err := f(&op); err != nil {
				return Record{}, err
			}
		}
	}
}
