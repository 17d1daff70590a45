package harness

import (
	"context"
	"fmt"
	"io"
	"math"

	"ordeal/history"
)

// keptMax is how many operations of a run are kept in memory to be judged at its end: some 15 MB.
// Of a run with more the record on disk is read back.
const keptMax = 1 << 16

// readAtOnce is how many operations are read between two looks at whether that is still wanted.
const readAtOnce = 4096

// A source gives the operations of a run, as often as it is asked.
type source interface {
	// each calls f for every operation: those that ended in that order, and then those that did not,
	// in the order of their calls. What f is given is not f's to keep or to change. It returns the
	// first error of f, or why not all could be given.
	// When ctx is done it gives no more, and returns an error that wraps ctx's cause.
	each(ctx context.Context, f func(op *history.Operation) error) error
}

// inMemory are operations that are all there.
type inMemory []history.Operation

func (all inMemory) each(_ context.Context, f func(op *history.Operation) error) error {
	for i := range all {
		if err := f(&all[i]); err != nil {
			return err
		}
	}
	return nil
}

// onDisk are the operations of a record that was written, as far as that went.
type onDisk struct {
	file io.ReaderAt
	name string
	// rest are the operations that may not be in the file whole: those that ended after it was last
	// known to have everything, and those that never did. What the file has of them does not count.
	rest []history.Operation
	// count is how many operations there are in all.
	count int
}

func (r onDisk) each(ctx context.Context, f func(op *history.Operation) error) error {
	elsewhere := make(map[int64]bool, len(r.rest))
	for i := range r.rest {
		elsewhere[r.rest[i].ID] = true
	}
	count := 0
	_, err := history.Scan(fromStart(r.file), r.name, func(op *history.Operation) error {
		if elsewhere[op.ID] {
			return nil
		}
		if count++; count%readAtOnce == 0 && ctx.Err() != nil {
			return fmt.Errorf("the record was not read to its end: %w", context.Cause(ctx))
		}
		return f(op)
	})
	if err != nil {
		return err
	}
	// A hole in the middle, made by whoever else has the file, would be judged as if what was in it
	// had not happened, and that may look like a violation.
	if count += len(r.rest); count != r.count {
		return fmt.Errorf("read the history: %s has lost operations that were written: "+
			"%d of %d are left", r.name, count, r.count)
	}
	return inMemory(r.rest).each(ctx, f)
}

// fromStart returns a reader of all that a file has.
func fromStart(file io.ReaderAt) io.Reader { return io.NewSectionReader(file, 0, math.MaxInt64) }

// Kept are the operations of a run that are in memory: all of them as long as they are few, and
// then those that ended since the record was last handed over whole.
type kept struct {
	log operationLog
	// most is how many are kept, 0 for any number: where the record cannot be read back.
	most int
	// part tells that there were more.
	part bool
}

// handedOver takes note that everything so far is in the record.
func (k *kept) handedOver() {
	if k.part || k.most > 0 && k.log.count > k.most {
		k.part, k.log = true, operationLog{}
	}
}
