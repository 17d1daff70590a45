package history

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// A Record is a whole history in memory as it is judged. It holds each operation once, where a
// History holds each of its events.
type Record struct {
	Header Header
	// Events are the faults and marks, in their order.
	Events []Event
	// Cut says where the record was cut short, "" if it was not. What is there is sound.
	Cut string

	operations []Operation
}

// Operations returns the operations of the history as the function of that name does. The slice is
// the record's own: whoever changes it changes what the next call returns.
func (r Record) Operations() []Operation { return r.operations }

// ReadFile reads a history from a file, compressed by gzip or not. What is refused, and what counts
// as cut short, is said at Reader.
func ReadFile(path string) (Record, error) {
	file, err := os.Open(path)
	if err != nil {
		return Record{}, fmt.Errorf("open the history: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err == nil && info.IsDir() {
		return Record{}, fmt.Errorf("open the history: %s is a directory "+
			"(accepted: a file of JSON Lines, compressed by gzip or not)", path)
	}
	var size int64
	if err == nil {
		size = info.Size()
	}
	return ReadRecord(file, size, filepath.Base(path))
}

// ReadRecord reads a history to its end. The size is how many bytes there are, compressed or not, 0
// where that is not known: it saves memory. The name is how errors call the history.
func ReadRecord(from io.Reader, size int64, name string) (Record, error) {
	in := &measured{in: from, size: size}
	r, err := NewReader(in, name)
	if err != nil {
		return Record{}, fmt.Errorf("read the history: %w", err)
	}
	record := Record{Header: r.Header(), operations: []Operation{}}
	var e Event
	var op Operation
	for {
		place, err := r.read(&e, &op)
		switch {
		case errors.Is(err, io.EOF):
			record.Cut = r.Cut()
			for _, f := range r.sequence.inFlight() {
				record.operations[f.place].giveUp(r.sequence.last)
			}
			return record, nil
		case err != nil:
			return Record{}, fmt.Errorf("read the history: %w", err)
		case e.Operation == nil:
			record.Events = append(record.Events, e)
		case e.Type == TypeInvoke:
			record.operations = append(in.makeRoom(record.operations), op)
		default:
			record.operations[place] = op
		}
	}
}

const (
	// roomMin is from how many operations on what was read tells how many there will be.
	roomMin = 8192
	// roomFactorMax bounds how much more room is made than is in use: the first part of a
	// compressed file may tell little of the rest.
	roomFactorMax = 16
)

// A measured input knows how much of it was read, in bytes; size is 0 where that is not known.
type measured struct {
	in         io.Reader
	read, size int64
}

func (m *measured) Read(p []byte) (int, error) {
	n, err := m.in.Read(p)
	m.read += int64(n)
	return n, err
}

// makeRoom returns operations, with room for as many as will come if the rest of the input is like
// what was read, where that can be told. Growing step by step as append does would hold the
// operations twice, and leave several times their size behind.
func (m *measured) makeRoom(operations []Operation) []Operation {
	n := len(operations)
	if n < cap(operations) || n < roomMin || m.read >= m.size {
		return operations
	}
	// A little more than expected, so that a wrong guess does not cost another step.
	room := 17.0 / 16 * float64(n) * float64(m.size) / float64(m.read)
	room = min(room, float64(n*roomFactorMax))
	return slices.Grow(operations, max(int(room)-n, n/4))
}
