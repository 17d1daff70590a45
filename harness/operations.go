package harness

import (
	"slices"

	"ordeal/history"
)

// blockSize is how many operations one block of an operationLog holds.
const blockSize = 4096

// An operationLog holds operations in the order in which they were added. It grows by blocks: a
// slice that grew would copy everything again and again while the loop waits.
type operationLog struct{ blocks [][]history.Operation }

func (l *operationLog) add(op history.Operation) {
	last := len(l.blocks) - 1
	if last < 0 || len(l.blocks[last]) == blockSize {
		l.blocks = append(l.blocks, make([]history.Operation, 0, blockSize))
		last++
	}
	l.blocks[last] = append(l.blocks[last], op)
}

// all returns the operations in a slice of their own, followed by others.
func (l *operationLog) all(others []history.Operation) []history.Operation {
	return slices.Concat(append(slices.Clone(l.blocks), others)...)
}
