package history

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// A History is a whole record in memory.
type History struct {
	Header Header
	Events []Event
	// Cut says where the record was cut short, "" if it was not. What is there is sound.
	Cut string
}

// Operations returns the operations of the history, see the function of that name.
func (h History) Operations() []Operation { return Operations(h.Events) }

// ReadFile reads a history from a file, compressed by gzip or not. What is refused, and what counts
// as cut short, is said at Reader.
func ReadFile(path string) (History, error) {
	file, err := os.Open(path)
	if err != nil {
		return History{}, fmt.Errorf("open the history: %w", err)
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return History{}, fmt.Errorf("open the history: %s is a directory "+
			"(accepted: a file of JSON Lines, compressed by gzip or not)", path)
	}
	return ReadAll(file, filepath.Base(path))
}

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
