package workloads_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ordeal/history"
	"ordeal/workloads"
)

// A value of a key that was asked to be written or proposed.
type keyValue struct {
	key   string
	value history.Value
}

var five = []string{"n1", "n2", "n3", "n4", "n5"}

// options generates options of any small size.
func options() *rapid.Generator[workloads.Options] {
	return rapid.Custom(func(t *rapid.T) workloads.Options {
		return workloads.Options{
			Seed:             rapid.Uint64().Draw(t, "seed"),
			Clients:          rapid.IntRange(1, 8).Draw(t, "clients"),
			Keys:             rapid.IntRange(1, 4).Draw(t, "keys"),
			OperationsPerKey: rapid.IntRange(1, 30).Draw(t, "operations per key"),
			Nodes:            five[:rapid.IntRange(1, 5).Draw(t, "n")],
		}
	})
}

func names() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return rapid.SampledFrom(workloads.List()).Draw(t, "workload").Name
	})
}

func newWorkload(t require.TestingT, name string, o workloads.Options) workloads.Workload {
	w, err := workloads.New(name, o)
	require.NoError(t, err)
	require.Equal(t, name, w.Name())
	return w
}

// next returns the next operation of a client, which must have one.
func next(t require.TestingT, w workloads.Workload, client int) history.Operation {
	op, ok := w.Next(client)
	require.True(t, ok)
	return op
}

// finals returns all final reads and checks that they are counted.
func finals(
	t require.TestingT, w workloads.Workload, nodes []string,
) []history.Operation {
	reads := w.FinalReads(nodes)
	var result []history.Operation
	for left := reads.Left(); ; left-- {
		require.Equal(t, left, reads.Left())
		op, ok := reads.Next()
		if !ok {
			require.Zero(t, left)
			return result
		}
		require.True(t, op.Final)
		result = append(result, op)
	}
}

// asked returns the number of operations for each key, kind and node.
func asked(operations []history.Operation) map[string]int {
	result := map[string]int{}
	for _, op := range operations {
		result[fmt.Sprint(op.Kind, " ", op.Key, " ", op.Node)]++
	}
	return result
}

// A store answers operations at once, as a correct system would.
type store struct{ held, decided map[string]history.Value }

func newStore() store {
	return store{map[string]history.Value{}, map[string]history.Value{}}
}

func (s store) answer(op history.Operation) history.Operation {
	op.Outcome = history.OK
	switch op.Kind {
	case history.Read:
		op.Returned = s.held[op.Key]
	case history.Write:
		s.held[op.Key] = op.Value
	case history.CompareAndSet:
		op.Applied = s.held[op.Key] == op.Expected
		op.Returned = s.held[op.Key]
		if op.Applied {
			op.Returned = history.Value{}
			s.held[op.Key] = op.Value
		}
	case history.Propose:
		if !s.decided[op.Key].IsSet() {
			s.decided[op.Key] = op.Value
		}
		op.Returned = s.decided[op.Key]
	case history.Learn:
		op.Returned = s.decided[op.Key]
	}
	return op
}

func TestValuesAreUniqueWithinAKeyAndOperationsAreWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name, o := names().Draw(t, "name"), options().Draw(t, "options")
		w, s, seen := newWorkload(t, name, o), newStore(), map[keyValue]bool{}
		take := func(op history.Operation) {
			requireWhole(t, op)
			if op.Value.IsSet() {
				require.NotContains(t, seen, keyValue{op.Key, op.Value})
				seen[keyValue{op.Key, op.Value}] = true
			}
			w.Completed(s.answer(op))
		}
		for range rapid.IntRange(0, 300).Draw(t, "operations") {
			client := rapid.IntRange(0, o.Clients-1).Draw(t, "client")
			op := next(t, w, client)
			require.Equal(t, client, op.Client)
			require.Equal(t, o.Nodes[client%len(o.Nodes)], op.Node)
			require.False(t, op.Final)
			take(op)
			if rapid.IntRange(0, 50).Draw(t, "recovery") == 0 {
				for _, op := range w.Recovery(o.Nodes[0]) {
					take(op)
				}
			}
		}
		for _, op := range finals(t, w, o.Nodes) {
			take(op)
		}
	})
}

// requireWhole checks that exactly what an operation of its kind wants is set.
func requireWhole(t require.TestingT, op history.Operation) {
	require.NotEmpty(t, op.Key)
	require.NotEmpty(t, op.Node)
	carries := map[history.Kind]bool{
		history.Read: false, history.Learn: false,
		history.Write: true, history.CompareAndSet: true, history.Propose: true,
	}
	value, known := carries[op.Kind]
	require.True(t, known)
	require.Equal(t, value, op.Value.IsSet())
	require.True(t, op.Kind == history.CompareAndSet || !op.Expected.IsSet())
	require.False(t, op.Value.IsSet() && op.Value == op.Expected)
	require.Equal(t, history.Operation{
		Client: op.Client, Node: op.Node, Kind: op.Kind, Key: op.Key, Value: op.Value,
		Expected: op.Expected, Final: op.Final,
	}, op)
}

func TestEqualCallsGiveEqualOperations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name, o := names().Draw(t, "name"), options().Draw(t, "options")
		one, two := newWorkload(t, name, o), newWorkload(t, name, o)
		s := newStore()
		for range rapid.IntRange(0, 200).Draw(t, "operations") {
			client := rapid.IntRange(0, o.Clients-1).Draw(t, "client")
			op := next(t, one, client)
			require.Equal(t, op, next(t, two, client))
			done := s.answer(op)
			one.Completed(done)
			two.Completed(done)
		}
		require.Equal(t, one.Recovery(o.Nodes[0]), two.Recovery(o.Nodes[0]))
		require.Equal(t, finals(t, one, o.Nodes), finals(t, two, o.Nodes))
	})
}

// What a client draws, the kinds and the places of its keys, does not depend on the other clients,
// on what it asks of replaced keys, or on how operations end. Only the decision workload's way back
// to old keys can fall short.
func TestAClientsStreamDoesNotDependOnTheOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name, o := names().Draw(t, "name"), options().Draw(t, "options")
		o.Clients = max(o.Clients, 2)
		alone, crowded, s := newWorkload(t, name, o), newWorkload(t, name, o), newStore()
		for range rapid.IntRange(0, 200).Draw(t, "operations") {
			want, got := own(t, alone, 0), own(t, crowded, 0)
			require.Equal(t, want.Kind, got.Kind)
			require.Equal(t, place(t, want.Key), place(t, got.Key))
			for range rapid.IntRange(0, 5).Draw(t, "others") {
				crowded.Completed(s.answer(next(t, crowded, 1)))
			}
		}
	})
}

// place returns the place in the name of a key, such as 3 of k3-17.
func place(t require.TestingT, key string) int {
	place, _ := parts(t, key)
	return place
}

// number returns which of the keys at its place a key is, such as 17 for k3-17.
func number(t require.TestingT, key string) int {
	_, number := parts(t, key)
	return number
}

func parts(t require.TestingT, key string) (place, number int) {
	var prefix rune
	_, err := fmt.Sscanf(key, "%c%d-%d", &prefix, &place, &number)
	require.NoError(t, err)
	require.Positive(t, place)
	require.Positive(t, number)
	return place, number
}

func TestSeedsAndClientsThatDifferDrawDifferently(t *testing.T) {
	for _, entry := range workloads.List() {
		seen := map[string]string{}
		for seed := range uint64(5) {
			o := workloads.Options{Seed: seed, Clients: 5, Keys: 5, Nodes: []string{"n1"}}
			for client := range 5 {
				w := newWorkload(t, entry.Name, o)
				var kinds string
				for range 60 {
					op := next(t, w, client)
					kinds += fmt.Sprint(op.Kind, place(t, op.Key))
				}
				name := fmt.Sprintf("seed %d client %d", seed, client)
				require.NotContains(t, seen, kinds, "as %s", name)
				seen[kinds] = name
			}
		}
	}
}

func TestNewSaysWhatIsWrongAndWhatIsAccepted(t *testing.T) {
	good := workloads.Options{Clients: 1, Keys: 1, Nodes: []string{"n1"}}
	_, err := workloads.New("queue", good)
	require.EqualError(t, err, `workload "queue" is unknown: want one of register, decision`)
	for _, test := range []struct {
		change func(*workloads.Options)
		wrong  string
	}{
		{func(o *workloads.Options) { o.Clients = 0 }, "clients 0: want at least 1"},
		{func(o *workloads.Options) { o.Keys = -1 }, "keys -1: want at least 1"},
		{func(o *workloads.Options) { o.OperationsPerKey = -1 }, "operations per key -1"},
		{func(o *workloads.Options) { o.Nodes = nil }, "there are no nodes"},
	} {
		o := good
		test.change(&o)
		_, err := workloads.New("register", o)
		require.ErrorContains(t, err, test.wrong)
	}
}

func TestNextIsFalseForWhoIsNoClient(t *testing.T) {
	for _, entry := range workloads.List() {
		w := newWorkload(t, entry.Name, workloads.Options{Clients: 2, Keys: 1, Nodes: five})
		for _, client := range []int{-1, 2} {
			_, ok := w.Next(client)
			require.False(t, ok)
		}
	}
}

func TestAWorkloadAsksForItsKindsAndNoOthers(t *testing.T) {
	for _, entry := range workloads.List() {
		w := newWorkload(t, entry.Name, workloads.Options{Clients: 1, Keys: 1, Nodes: five})
		seen := map[history.Kind]bool{}
		for range 100 {
			op := next(t, w, 0)
			require.Contains(t, w.Kinds(), op.Kind)
			seen[op.Kind] = true
		}
		require.Len(t, seen, len(w.Kinds()))
	}
}

func TestEveryWorkloadIsDescribed(t *testing.T) {
	for _, entry := range workloads.List() {
		require.NotEmpty(t, entry.Description)
		require.LessOrEqual(t, len(entry.Name)+len(entry.Description), 90, "it fits on a line")
		w := newWorkload(t, entry.Name, workloads.Options{Clients: 1, Keys: 1, Nodes: five})
		require.NotEmpty(t, w.Model())
	}
}
