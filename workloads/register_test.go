package workloads_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/history"
	"ordeal/workloads"
)

// run lets the clients call in turn and completes each operation after so many others were called,
// as a correct system would. It returns all operations of their own.
func run(
	t *testing.T, w workloads.Workload, clients, operations, inFlight int,
) []history.Operation {
	t.Helper()
	s := newStore()
	var all, pending []history.Operation
	for i := range operations {
		op := own(t, w, i%clients)
		pending = append(pending, op)
		if len(pending) > inFlight {
			done := s.answer(pending[0])
			w.Completed(done)
			all, pending = append(all, done), pending[1:]
		}
	}
	return append(all, pending...)
}

func TestARegisterHasTheMixThatIsDocumented(t *testing.T) {
	w := newWorkload(t, "register", workloads.Options{Clients: 10, Keys: 5, Nodes: five})
	require.Equal(t, "register", w.Model())
	count, nodes, keys := map[history.Kind]int{}, map[string]int{}, map[int]int{}
	for _, op := range run(t, w, 10, 20000, 9) {
		count[op.Kind]++
		nodes[op.Node]++
		keys[place(t, op.Key)]++
	}
	require.InDelta(t, 9000, count[history.Read], 300)
	require.InDelta(t, 7000, count[history.Write], 300)
	require.InDelta(t, 4000, count[history.CompareAndSet], 300)
	for _, node := range five {
		require.Equal(t, 4000, nodes[node])
	}
	for i := range 5 {
		require.InDelta(t, 4000, keys[i+1], 300)
	}
}

// Both ways of ending must be common, with ten operations in flight too.
func TestConditionsOfCompareAndSetsHoldAndFail(t *testing.T) {
	for _, inFlight := range []int{0, 9} {
		w := newWorkload(t, "register", workloads.Options{Clients: 10, Keys: 5, Nodes: five})
		applied, total, fresh := 0, 0, 0
		for _, op := range run(t, w, 10, 20000, inFlight) {
			if op.Kind != history.CompareAndSet {
				continue
			}
			total++
			if op.Applied {
				applied++
			}
			if !op.Expected.IsSet() {
				fresh++
			}
		}
		require.Greater(t, applied, total/4, "%d in flight", inFlight)
		require.Greater(t, total-applied, total/10)
		require.Greater(t, fresh, 20, "of about 100 keys")
		require.Less(t, fresh, total/10)
	}
}

func TestACompareAndSetExpectsWhatTheKeyHeld(t *testing.T) {
	w, s := newWorkload(t, "register", workloads.Options{
		Clients: 3, Keys: 2, OperationsPerKey: 40, Nodes: five,
	}), newStore()
	held := map[keyValue]bool{}
	for i := range 2000 {
		op := next(t, w, i%3)
		if op.Expected.IsSet() {
			require.Contains(t, held, keyValue{op.Key, op.Expected})
		}
		w.Completed(s.answer(op))
		held[keyValue{op.Key, s.held[op.Key]}] = true
	}
}

// What did not happen, or may not have, is nothing to expect.
func TestOnlyWhatIsKnownIsExpected(t *testing.T) {
	w := newWorkload(t, "register", workloads.Options{Clients: 1, Keys: 1, Nodes: five})
	for i := range 150 {
		op := next(t, w, 0)
		require.False(t, op.Expected.IsSet())
		op.Outcome = []history.Outcome{history.Info, history.Fail}[i%2]
		op.Applied = true
		w.Completed(op)
	}
	w.Completed(history.Operation{
		Kind: history.CompareAndSet, Key: "k1-1", Value: history.NewValue("not set"),
		Result: history.Result{Outcome: history.OK, Returned: history.NewValue("seen")},
	})
	seen := map[string]bool{}
	for range 50 {
		seen[next(t, w, 0).Expected.Text()] = true
	}
	require.Equal(t, map[string]bool{"": true, "seen": true}, seen)
}

func TestAKeyIsReplacedAfterItsOperations(t *testing.T) {
	w := newWorkload(t, "register", workloads.Options{
		Clients: 4, Keys: 2, OperationsPerKey: 7, Nodes: five,
	})
	count, latest := map[string]int{}, map[int]string{}
	for i := range 500 {
		op := own(t, w, i%4)
		count[op.Key]++
		at := place(t, op.Key)
		if latest[at] != op.Key {
			require.Equal(t, 1, count[op.Key], "a retired key never comes back")
		}
		latest[at] = op.Key
	}
	for key, operations := range count {
		if key != latest[1] && key != latest[2] {
			require.Equal(t, 7, operations, key)
		}
	}
	require.InDelta(t, 500/7, len(count), 2)
}

func TestAnswersForARetiredKeyAreNotMistakenForTheLiveOne(t *testing.T) {
	w := newWorkload(t, "register", workloads.Options{
		Clients: 1, Keys: 1, OperationsPerKey: 2, Nodes: five,
	})
	late := history.Operation{Kind: history.Read, Key: "k1-1"}
	late.Outcome, late.Returned = history.OK, history.NewValue("late")
	for range 2 {
		require.Equal(t, late.Key, next(t, w, 0).Key)
	}
	for range 200 {
		op := own(t, w, 0)
		require.NotEqual(t, late.Key, op.Key)
		require.False(t, op.Expected.IsSet(), "nothing is known of any later key")
		w.Completed(late)
	}
}

func TestRecoveryWritesAndReadsEveryLiveKey(t *testing.T) {
	w := newWorkload(t, "register", workloads.Options{Clients: 1, Keys: 2, Nodes: five})
	operations := w.Recovery("n4")
	require.Equal(t, map[string]int{
		"write k1-1 n4": 1, "read k1-1 n4": 1, "write k2-1 n4": 1, "read k2-1 n4": 1,
	}, asked(operations))
	require.Equal(t, history.Write, operations[0].Kind, "it reads what it wrote")
	require.NotEqual(t, operations[0].Value, w.Recovery("n4")[0].Value)
}

func TestTheFinalReadsOfARegister(t *testing.T) {
	w := newWorkload(t, "register", workloads.Options{
		Clients: 3, Keys: 2, OperationsPerKey: 3, Nodes: five[:3],
	})
	keys := map[string]bool{}
	for i := range 100 {
		keys[next(t, w, i%3).Key] = true
	}
	reads := finals(t, w, five[:3])
	live := reads[:6]
	for _, op := range live {
		delete(keys, op.Key)
	}
	require.Len(t, asked(live), 6, "two live keys at three nodes")
	nodes := map[string]int{}
	for _, op := range reads[6:] {
		require.Equal(t, history.Read, op.Kind)
		require.Contains(t, keys, op.Key, "each retired key once")
		delete(keys, op.Key)
		nodes[op.Node]++
	}
	require.Empty(t, keys)
	require.Len(t, nodes, 3)
	require.Contains(t, []string{"k1-1", "k2-1"}, reads[len(reads)-1].Key, "the oldest is last")
}

func TestFinalReadsAreOfTheKeysAtTheTimeTheyWereAskedFor(t *testing.T) {
	w := newWorkload(t, "register", workloads.Options{
		Clients: 1, Keys: 1, OperationsPerKey: 1, Nodes: five[:1],
	})
	next(t, w, 0)
	next(t, w, 0)
	reads := w.FinalReads(five[:1])
	next(t, w, 0)
	for _, key := range []string{"k1-2", "k1-1"} {
		op, ok := reads.Next()
		require.True(t, ok)
		require.Equal(t, key, op.Key)
	}
	require.Zero(t, reads.Left())
}

// Nodes that are lost are not asked: every key, retired ones too, is read through the others.
func TestFinalReadsAskOnlyTheNodesThatAreLeft(t *testing.T) {
	w := newWorkload(t, "register", workloads.Options{
		Clients: 5, Keys: 2, OperationsPerKey: 3, Nodes: five,
	})
	keys := map[string]bool{}
	for i := range 100 {
		keys[next(t, w, i%5).Key] = true
	}
	for _, op := range finals(t, w, []string{"n2", "n5"}) {
		require.Contains(t, []string{"n2", "n5"}, op.Node)
		delete(keys, op.Key)
	}
	require.Empty(t, keys)
}
