package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// lineSizeMax bounds a line, in bytes without its end: what a Writer refuses, and what a Reader
// holds in memory. Values have at most 1,000 bytes; the evidence of a fault is the longest.
const lineSizeMax = 1 << 20

// bufferSize is how much a Writer collects, in bytes, before it writes without being asked to.
const bufferSize = 64 << 10

// A Writer records events: it gives each its index, checks that together they are a history, and
// writes them as lines. It collects lines in memory: the caller calls Flush as often as it wants
// them to be safe from its own death, and Sync for the machine's.
//
// The first error sticks: nothing is written after it, and Flush, Sync and Err return it from
// then on. Recording goes on in memory, so that a run whose disk is full can still be judged.
// What is handed to the io.Writer always ends with a line; only an io.Writer that fails halfway
// leaves a cut one, and nothing ever follows that.
//
// A Writer is not safe for concurrent use: the order of the calls is the order of the record.
type Writer struct {
	out      io.Writer
	buffer   bytes.Buffer
	sequence *sequence
	err      error
	// event and operation are what is being recorded.
	event     Event
	operation Operation
}

// NewWriter returns a Writer to out, with h as its first line. It writes nothing before Flush.
// The caller opens and closes out. Without one, which is nil, nothing is encoded: events get their
// places and are checked, and that is all.
func NewWriter(out io.Writer, h Header) *Writer {
	h.Format, h.Version = Format, Version
	w := &Writer{out: out, sequence: newSequence()}
	w.encode(h)
	return w
}

// Invoke records that op is called now, before it is sent. It returns op as recorded: with its
// Call, and with the next ID where op.ID is 0.
func (w *Writer) Invoke(op Operation, now time.Duration) Operation {
	if op.ID == 0 {
		op.ID = w.sequence.lastOp + 1
	}
	op.Result = Result{}
	return w.recordOperation(TypeInvoke, op, now)
}

// Complete records that the operation that Invoke returned ended now with r, and returns it
// whole.
func (w *Writer) Complete(op Operation, r Result, now time.Duration) Operation {
	op.Result = r
	return w.recordOperation(Type(r.Outcome), op, now)
}

func (w *Writer) recordOperation(t Type, op Operation, now time.Duration) Operation {
	w.operation = op
	w.record(Event{Time: now, Type: t, Operation: &w.operation})
	return w.operation
}

// Fault records a step in the life of a fault.
func (w *Writer) Fault(f Fault, now time.Duration) {
	w.record(Event{Time: now, Type: TypeFault, Fault: &f})
}

// Mark records a moment worth noting.
func (w *Writer) Mark(m Mark, now time.Duration) {
	w.record(Event{Time: now, Type: TypeMark, Mark: &m})
}

// Next returns the index that the next event gets, which is the number of events so far.
func (w *Writer) Next() int64 { return w.sequence.next }

// Pending returns the operations in flight as what they are if the record ends here: of unknown
// outcome. They are in the order of their calls.
func (w *Writer) Pending() []Operation {
	return pending(w.sequence.inFlight(), w.sequence.last)
}

// Flush hands everything that was recorded to the io.Writer: for a file, to the operating system.
func (w *Writer) Flush() error {
	if w.err != nil || w.buffer.Len() == 0 || w.out == nil {
		return w.err
	}
	_, err := w.out.Write(w.buffer.Bytes())
	w.buffer.Reset()
	if err != nil {
		w.err = fmt.Errorf("write the history: %w", err)
	}
	return w.err
}

// Sync is Flush, and then asks the io.Writer to make it durable if it can, as an os.File does.
func (w *Writer) Sync() error {
	if err := w.Flush(); err != nil {
		return err
	}
	if out, ok := w.out.(interface{ Sync() error }); ok {
		if err := out.Sync(); err != nil {
			w.err = fmt.Errorf("sync the history: %w", err)
		}
	}
	return w.err
}

// Err returns the error that stopped the writing, if any.
func (w *Writer) Err() error { return w.err }

// record gives e its place and encodes it.
func (w *Writer) record(e Event) {
	w.event = e
	w.event.Index = w.sequence.next
	if _, err := w.sequence.add(&w.event); err != nil {
		w.fail(fmt.Errorf("record event %d: %w", w.event.Index, err))
		return
	}
	if w.out == nil {
		return
	}
	l := w.event.line()
	if text, plain := l.appendPlain(w.buffer.AvailableBuffer()); plain {
		w.append(text)
	} else {
		w.encode(l)
	}
	if w.buffer.Len() >= bufferSize {
		// The error sticks; the next Flush returns it.
		_ = w.Flush()
	}
}

// encode appends one line.
func (w *Writer) encode(v any) {
	if w.err != nil {
		return
	}
	text, err := json.Marshal(v)
	if err != nil {
		w.fail(fmt.Errorf("encode the history: %w", err))
		return
	}
	w.append(text)
}

// append appends one line that is encoded.
func (w *Writer) append(text []byte) {
	switch {
	case w.err != nil:
	case len(text) > lineSizeMax:
		w.fail(fmt.Errorf("encode the history: a line of %d bytes is longer than %d",
			len(text), lineSizeMax))
	default:
		w.buffer.Write(text)
		w.buffer.WriteByte('\n')
	}
}

// fail makes err stick, if it is the first, after handing over the sound lines before it.
func (w *Writer) fail(err error) {
	if w.Flush() == nil {
		w.err = err
	}
}
