package linearizability

import (
	"cmp"
	"context"
	"os/exec"
	"runtime"
	"slices"
	"time"

	"ordeal/history"
)

// Options bound a check. The zero value is the defaults.
type Options struct {
	// Budget is how long the check may take in all, one minute if it is 0. A fifth of it is kept
	// for explaining violations.
	Budget time.Duration
	// Memory is how much more memory than at its start the process may hold during the check, in
	// bytes, 2 GiB if it is 0. Keys that need more are Unknown, and the others are judged. If the
	// process's own limit (GOMEMLIMIT) leaves less than that, the check keeps below that, but it
	// always has a sixteenth of its budget.
	//
	// It bounds the searches, which may need any amount, and each of them goes at most about a
	// megabyte beyond. It does not bound what is proportional to the history, some 100 bytes an
	// operation: if that is more already, no search has room. What other parts of the process take
	// meanwhile is not told apart. A limit that was set from outside (a container's, the machine's)
	// is not looked at: a process may still be killed for that.
	Memory int64
	// Workers is how many keys are searched at a time, as many as there are processors if it is
	// 0.
	Workers int
	// Child returns the command of another process that searches: one that calls ServeSearch with
	// its standard input and output, and ends when the context does. With it, a key for which a
	// search is not over soon is searched there, within a limit that the kernel enforces (on Linux),
	// so that no search can end this process. Where it is nil, all searches run in this process,
	// bounded by what it measures itself.
	Child func(context.Context) *exec.Cmd
	// Explanations is how many illegal keys are explained, 10 if it is 0 and none if it is
	// negative.
	Explanations int
}

const (
	budgetDefault       = time.Minute
	explanationsDefault = 10
)

func (o Options) withDefaults() Options {
	o.Budget = cmp.Or(o.Budget, budgetDefault)
	o.Memory = cmp.Or(max(o.Memory, 0), memoryDefault)
	o.Workers = cmp.Or(max(o.Workers, 0), runtime.GOMAXPROCS(0))
	o.Explanations = max(cmp.Or(o.Explanations, explanationsDefault), 0)
	return o
}

// Check judges whether ops are legal by the model, every key by itself. It ends soon after the
// budget or ctx does; keys without an answer by then are Unknown, as are those that the memory is
// too small for.
//
// The operations may be in any order and are not changed. An error wraps ErrInvalid: the
// operations are no history of the model, and nothing was judged.
func Check(
	ctx context.Context, model Model, ops []history.Operation, options Options,
) (Report, error) {
	p := Begin(ctx, model, options)
	defer p.Close()
	if err := p.Add([][]history.Operation{ops}, 0); err != nil {
		return Report{}, err
	}
	return p.End(), nil
}

// partition returns a job for each key that the model judges operations of, sorted by key.
func partition(model Model, ops []history.Operation) []*job {
	byKey := map[string]*job{}
	var jobs []*job
	var j *job
	for i := range ops {
		op := &ops[i]
		if slices.Contains(model.ignored, op.Kind) {
			continue
		}
		if j == nil || j.key != op.Key { // neighbours are often of one key
			j = byKey[op.Key]
		}
		if j == nil {
			j = &job{key: op.Key}
			byKey[op.Key] = j
			jobs = append(jobs, j)
		}
		j.ops = append(j.ops, op)
	}
	for _, j := range jobs {
		sortByCall(j.ops)
	}
	slices.SortFunc(jobs, func(a, b *job) int { return cmp.Compare(a.key, b.key) })
	return jobs
}

// sortByCall sorts operations unless they are already, as those of a record are.
func sortByCall(ops []*history.Operation) {
	if !slices.IsSortedFunc(ops, byCall) {
		slices.SortFunc(ops, byCall)
	}
}

func byCall(a, b *history.Operation) int {
	if a.Call != b.Call {
		return cmp.Compare(a.Call, b.Call)
	}
	return cmp.Compare(a.ID, b.ID)
}

// add adds what became of one key.
func (r *Report) add(j *job) {
	r.Operations += len(j.ops)
	r.Counts.add(j)
	r.worsen(j.verdict)
}

// worsen makes the verdict the worse of itself and another.
func (r *Report) worsen(v Verdict) {
	if severity[v] > severity[r.Verdict] {
		r.Verdict = v
	}
}

// report returns what was found out about the key.
func (j *job) report() KeyReport {
	return KeyReport{
		Key: j.key, Verdict: j.verdict, Method: j.method, Reason: j.reason,
		Operations: len(j.ops), Failed: j.prepared.failed, Dropped: j.prepared.dropped,
		Bounded: j.prepared.bounded, Judged: len(j.prepared.all), Unique: j.prepared.unique,
		LegalPrefix: j.legalPrefix,
		Duration:    j.duration,
	}
}

// add counts a key.
func (c *KeyCounts) add(j *job) {
	switch j.verdict {
	case Legal:
		c.Legal++
	case Illegal:
		c.Illegal++
	case Disputed:
		c.Disputed++
	default:
		c.Unknown++
	}
	if j.method != "" {
		if c.Methods == nil {
			c.Methods = make(map[Method]int)
		}
		c.Methods[j.method]++
	}
}

// severity says which verdict a history has of those of its keys.
var severity = map[Verdict]int{Legal: 0, Unknown: 1, Disputed: 2, Illegal: 3}
