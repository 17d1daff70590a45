package history

import (
	"errors"
	"fmt"
	"io"
)

// Scan reads a history to its end and calls f for every operation that ended, in that order, so
// that a history of any length can be read in little memory. What f is given is used again for the
// next one. The name is how errors call the history; what is refused, and what counts as cut short,
// is said at Reader. An error of f ends the reading and is returned as it is.
func Scan(in io.Reader, name string, f func(op *Operation) error) error {
	r, err := NewReader(in, name)
	if err != nil {
		return fmt.Errorf("read the history: %w", err)
	}
	var e Event
	var op Operation
	for {
		_, err := r.read(&e, &op)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the history: %w", err)
		case e.Operation == nil || e.Type == TypeInvoke:
			continue
		}
		if err := f(&op); err != nil {
			return err
		}
	}
}
