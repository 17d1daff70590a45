package history

import (
	"errors"
	"fmt"
	"io"
)

// A History is a whole record in memory, event by event. What is judged is read as a Record, which
// takes a fraction of the memory.
type History struct {
	Header Header
	Events []Event
	// Cut says where the record was cut short, "" if it was not. What is there is sound.
	Cut string
}

// Operations returns the operations of the history, see the function of that name.
func (h History) Operations() []Operation { return Operations(h.Events) }

// ReadAll reads a history to its end. The name is how errors call it.
func ReadAll(in io.Reader, name string) (History, error) {
	r, err := NewReader(in, name)
	if err != nil {
		return History{}, fmt.Errorf("read the history: %w", err)
	}
	h := History{Header: r.Header()}
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			h.Cut = r.Cut()
			return h, nil
		}
		if err != nil {
			return History{}, fmt.Errorf("read the history: %w", err)
		}
		h.Events = append(h.Events, e)
	}
}
