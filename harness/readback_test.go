package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/linearizability"
	"ordeal/results"
	"ordeal/workloads"
)

// The cluster is removed before a long record is read back, and what is known by then is saved.
func TestTheClusterIsGoneBeforeTheRecordIsReadBack(t *testing.T) {
	run := executeTest(t, newFake(), Test{Plan: testPlan(), Virtual: true, keptMost: 50})
	var stages []string
	for _, s := range run.Stages {
		stages = append(stages, s.Name)
	}
	removed := slices.Index(stages, "remove the cluster")
	require.Positive(t, removed)
	require.Greater(t, slices.Index(stages, "read the record back"), removed)
}

func TestAReadingEndsWithItsContext(t *testing.T) {
	p := testPlan()
	p.Budget = time.Minute
	over, stop := context.WithCancel(context.Background())
	stop()
	after, enough := Test{Plan: p}.afterwards(over)
	defer enough()
	require.NoError(t, after.Err(), "what was recorded is judged all the same")
	deadline, limited := after.Deadline()
	require.True(t, limited)
	require.LessOrEqual(t, time.Until(deadline), interruptedLimit)
	require.ErrorIs(t, errNoMoreTime, context.Canceled, "which is an interruption, not a failure")
}

// learns returns operations of more parts than one, the last of which learned what nobody proposed.
func learns() []history.Operation {
	var ops []history.Operation
	for i := range 2*partMax + 10 {
		at := int64(2 * i)
		ops = append(ops, history.Operation{
			ID: int64(i + 1), Process: i, Node: "n1", Kind: history.Learn,
			Key: fmt.Sprint("d", i/100), Result: history.Result{Outcome: history.OK},
			Call: at, Return: at + 1, CallTime: time.Duration(at), ReturnTime: time.Duration(at + 1),
		})
	}
	ops[len(ops)-1].Returned = history.NewValue("never proposed")
	return ops
}

func censusOf(ops []history.Operation) *census {
	c := newCensus()
	for i := range ops {
		c.count(&ops[i])
	}
	return c
}

// Decisions are compared also when the time for searches is over, and what was not is not called
// legal.
func TestDecisionsAreComparedHoweverLittleTimeThereIs(t *testing.T) {
	ops := learns()
	check, found, err := judgeRecord(t.Context(), "decision", inMemory(ops), censusOf(ops), nil,
		Budget{Time: time.Nanosecond})
	require.NoError(t, err)
	require.Equal(t, linearizability.Illegal, check.Decisions.Verdict)
	require.True(t, slices.ContainsFunc(found, func(f results.Finding) bool {
		return f.Verdict == results.Violation
	}))
	over, stop := context.WithCancel(t.Context())
	stop()
	check, _, err = judgeRecord(over, "decision", inMemory(ops), censusOf(ops), nil, Budget{})
	require.NoError(t, err)
	require.Equal(t, linearizability.Unknown, check.Decisions.Verdict)
}

// A source that fails after what it has.
type failingSource struct{ inMemory }

var errDisk = errors.New("input/output error")

func (s failingSource) each(ctx context.Context, f func(*history.Operation) error) error {
	return errors.Join(s.inMemory.each(ctx, f), errDisk)
}

// What was proved before a record could not be read any further stands.
func TestAReadErrorHidesNoViolation(t *testing.T) {
	var ops []history.Operation
	for i := range partMax + 10 {
		at := int64(2 * i)
		ops = append(ops, history.Operation{
			ID: int64(i + 1), Process: i, Node: "n1", Kind: history.Read, Key: fmt.Sprint("k", i/100),
			Result: history.Result{Outcome: history.OK}, Call: at, Return: at + 1,
		})
	}
	ops[4].Returned = history.NewValue("never written")
	c := censusOf(ops)
	check, found, err := judgeRecord(
		t.Context(), "register", failingSource{ops}, c, nil, Budget{})
	require.ErrorIs(t, err, errDisk)
	require.Equal(t, []string{"k0"}, check.Illegal())
	require.Equal(t, results.Violation, found[0].Verdict)
}

// A workload that panics when the first write has ended.
type panickingWorkload struct{ workloads.Workload }

func (w panickingWorkload) Completed(op history.Operation) {
	if op.Kind == history.Write && op.Outcome == history.OK {
		panic("on purpose")
	}
}

// An operation that ended is part of what is judged even if Ordeal itself fails while it takes note
// of it: who has read what it wrote would else have read a value that was never written.
func TestWhatEndedIsJudgedThoughTheLoopPanics(t *testing.T) {
	p := testPlan()
	workload, err := p.NewWorkload()
	require.NoError(t, err)
	model, err := linearizability.ModelNamed(workload.Model())
	require.NoError(t, err)
	d := &driver{
		env: newFake(), plan: p, workload: panickingWorkload{workload}, log: quiet,
		record: history.NewWriter(nil, history.Header{Model: workload.Model()}),
	}
	test := Test{Plan: p, Log: quiet, Virtual: true}
	d.watch = test.newWatch(t.Context(), model, d)
	require.ErrorContains(t, test.driveAndStop(t.Context(), d), "the loop panicked: on purpose")
	operations, _ := d.operations(nil)
	written := 0
	for _, op := range operations.(inMemory) {
		if op.Kind == history.Write && op.Outcome == history.OK {
			written++
		}
	}
	require.Positive(t, written)
}
