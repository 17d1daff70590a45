package harness

import "ordeal/history"

// A source gives the operations of a run, as often as it is asked.
type source interface {
	// each calls f for every operation: those that ended in that order, and then those that did not,
	// in the order of their calls. What f is given is not f's to keep or to change. It returns the
	// first error of f, or why not all could be given.
	each(f func(op *history.Operation) error) error
}

// inMemory are operations that are all there.
type inMemory []history.Operation

func (all inMemory) each(f func(op *history.Operation) error) error {
	for i := range all {
		if err := f(&all[i]); err != nil {
			return err
		}
	}
	return nil
}
