package harness

import "ordeal/history"

// blockMin and blockMax are how many operations the first block of an operationLog holds, and the
// largest ones.
const blockMin, blockMax = 2, 4096

// An operationLog holds operations in the order in which they were added. It grows by blocks, each
// as large as all before it together up to a bound: a slice that grew would copy everything again
// and again while the loop waits.
//
// Another goroutine may read a copy of it while the log grows, since nothing that was added is
// ever written again.
type operationLog struct {
	blocks [][]history.Operation
	count  int
}

// add adds a copy of an operation.
func (l *operationLog) add(op *history.Operation) {
	last := len(l.blocks) - 1
	if last < 0 || len(l.blocks[last]) == cap(l.blocks[last]) {
		size := min(max(l.count, blockMin), blockMax)
		l.blocks = append(l.blocks, make([]history.Operation, 0, size))
		last++
	}
	l.blocks[last] = append(l.blocks[last], *op)
	l.count++
}

// copy returns what the log holds now.
func (l *operationLog) copy() operationLog {
	blocks := make([][]history.Operation, len(l.blocks))
	copy(blocks, l.blocks)
	return operationLog{blocks: blocks, count: l.count}
}

// all returns the operations in a slice of their own, followed by others.
func (l *operationLog) all(others []history.Operation) []history.Operation {
	all := make([]history.Operation, 0, l.count+len(others))
	for _, block := range l.blocks {
		all = append(all, block...)
	}
	return append(all, others...)
}
