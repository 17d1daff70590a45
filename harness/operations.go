package harness

import "ordeal/history"

// blockSize is how many operations one block of an operationLog holds.
const blockSize = 4096

// An operationLog holds operations in the order in which they were added, at places from 0. It
// grows by blocks: a slice that grew would copy everything again and again while the loop waits.
//
// A copy of it is what it held at that moment. Another goroutine may read the copy while the log
// grows, since nothing that was added is ever written again.
type operationLog struct {
	blocks []*[blockSize]history.Operation
	count  int
}

// add returns the place of the operation.
func (l *operationLog) add(op history.Operation) int {
	place := l.count
	if place%blockSize == 0 {
		l.blocks = append(l.blocks, new([blockSize]history.Operation))
	}
	*l.at(place) = op
	l.count++
	return place
}

// at returns the operation at a place, not to be changed.
func (l *operationLog) at(place int) *history.Operation {
	return &l.blocks[place/blockSize][place%blockSize]
}

// all returns the operations in a slice of their own, followed by others.
func (l *operationLog) all(others []history.Operation) []history.Operation {
	all := make([]history.Operation, 0, l.count+len(others))
	for _, block := range l.blocks {
		all = append(all, block[:min(blockSize, l.count-len(all))]...)
	}
	return append(all, others...)
}
