package workloads

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/history"
)

func TestListingOfRecordedOperations(t *testing.T) {
	one := "1"
	ops := []history.Operation{
		{Client: 0, Node: "n1", Kind: history.Write, Key: "k", Value: history.NewValue("1")},
		{Client: 2, Node: "n3", Kind: history.Read, Key: "k", CallTime: time.Second, Final: true},
		{Client: 0, Node: "n1", Kind: history.CompareAndSet, Key: "l", CallTime: time.Second,
			Value: history.NewValue("2"), Expected: history.NewValue("1")},
		{Client: 0, Number: 7, Node: "n1", Kind: history.CompareAndSet, Key: "l",
			CallTime: 2 * time.Second, Value: history.NewValue("3")},
	}
	list := ListingOf(ops)
	require.Equal(t, Listing{
		{Client: 0, Number: 1, Node: "n1", Kind: history.Write, Key: "k", Value: "1"},
		{At: time.Second, Client: 2, Number: 1, Node: "n3", Kind: history.Read, Key: "k",
			Final: true},
		{At: time.Second, Client: 0, Number: 2, Node: "n1", Kind: history.CompareAndSet, Key: "l",
			Value: "2", Expected: &one},
		{At: 2 * time.Second, Client: 0, Number: 7, Node: "n1", Kind: history.CompareAndSet,
			Key: "l", Value: "3"},
	}, list)
	require.NoError(t, list.Validate([]string{"n1", "n3"}, 3, registerKinds()))
	require.Equal(t, []int{0, 2}, list.Clients())
	require.Equal(t, []string{"k", "l"}, list.Keys())

	due := list.ByClient()
	require.Len(t, due, 2)
	require.Len(t, due[0], 3)
	require.Equal(t, ops[2].Expected, due[0][1].Operation.Expected)
	require.False(t, due[0][2].Operation.Expected.IsSet())
	require.EqualValues(t, 7, due[0][2].Operation.Number)
	require.Equal(t, time.Second, due[1][0].At)
}

func registerKinds() []history.Kind { return (*register)(nil).Kinds() }

func TestAListingThatCannotBeSaysWhere(t *testing.T) {
	one := "1"
	sound := Listed{Number: 1, Node: "n1", Kind: history.Write, Key: "k", Value: "1"}
	cases := map[string]func(*Listed){
		"operation 1: at is -1ns (accepted: 0s to 24h0m0s)": func(l *Listed) { l.At = -1 },
		"client is 2 (accepted: 0 to 1, ":                   func(l *Listed) { l.Client = 2 },
		"number is 0 (accepted: 1 to ":                      func(l *Listed) { l.Number = 0 },
		`node is "n9" (accepted: n1, n2)`:                   func(l *Listed) { l.Node = "n9" },
		`kind is "learn" (accepted: read, write, cas)`: func(l *Listed) {
			l.Kind = history.Learn
		},
		"it has no key":           func(l *Listed) { l.Key = "" },
		"a read has no value":     func(l *Listed) { l.Kind = history.Read },
		"a write expects no valu": func(l *Listed) { l.Expected = &one },
	}
	for want, change := range cases {
		l := sound
		change(&l)
		require.ErrorContains(t, Listing{l}.Validate([]string{"n1", "n2"}, 2, registerKinds()), want)
	}
	validate := func(l Listing) error { return l.Validate([]string{"n1"}, 1, registerKinds()) }
	require.ErrorContains(t, validate(Listing{sound, sound}), "client 0 has two of number 1")
	late, early := sound, sound
	late.At, early.Number = time.Second, 2
	require.ErrorContains(t, validate(Listing{late, early}), "operation 2: at is 0s, and the one")
	require.NoError(t, validate(Listing{late, early}.Ordered()))
	require.ErrorContains(t, validate(make(Listing, ListingMax+1)), "there are 50001")
}

// What proves the recovery of a listed run writes values that no generated operation has.
func TestRecoveryOfAListing(t *testing.T) {
	base, err := New("register", Options{Seed: 1, Clients: 1, Keys: 1, Nodes: []string{"n1", "n2"}})
	require.NoError(t, err)
	list := Listing{{Number: 1, Node: "n1", Kind: history.Write, Key: "k7", Value: "1"}}
	w := WithListing(base, list)
	require.Equal(t, []history.Kind{history.Write}, w.Kinds())
	_, any := w.Next(0)
	require.False(t, any)
	ops := w.Recovery("n2")
	require.Len(t, ops, 2)
	require.Equal(t, "k7", ops[0].Key)
	require.Equal(t, "r1", ops[0].Value.Text())
	require.Equal(t, "r2", w.Recovery("n1")[0].Value.Text())
	reads := w.FinalReads([]string{"n1", "n2"})
	require.Equal(t, 2, reads.Left())
	first, _ := reads.Next()
	second, _ := reads.Next()
	require.Equal(t, []string{"n1", "n2"}, []string{first.Node, second.Node})
	require.True(t, second.Final)
	_, more := reads.Next()
	require.False(t, more)
	// With nothing listed there is still something to prove a recovery by.
	require.Len(t, WithListing(base, Listing{}).Recovery("n1"), 2)
}
