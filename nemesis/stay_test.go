package nemesis_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/nemesis"
)

// What stays keeps its victims dead to the end of the run: nothing more can be done to them then,
// but to their disks.
func TestWhatStaysLeavesNothingToDo(t *testing.T) {
	nodes := []string{"n1", "n2", "n3"}
	after := func(kind nemesis.Kind, stay bool, victims ...string) error {
		f := nemesis.Fault{ID: "f2", Kind: kind, Nodes: victims, At: 3 * time.Second, For: time.Second}
		if kind == nemesis.Drift {
			f.Rate = 5
		}
		return nemesis.Schedule{
			{ID: "f1", Kind: nemesis.Kill, Nodes: []string{"n1"}, At: time.Second, For: time.Second,
				Stay: stay},
			f,
		}.Validate(nodes, 10*time.Second)
	}
	for _, kind := range []nemesis.Kind{
		nemesis.Kill, nemesis.Stop, nemesis.Pause, nemesis.Drift, nemesis.BrokenDisk, nemesis.FullDisk,
	} {
		require.NoError(t, after(kind, false, "n1"), kind)
		require.ErrorContains(t, after(kind, true, "n1"),
			"it is dead all the time for f1, from 1s to the end", kind)
		require.NoError(t, after(kind, true, "n1", "n2"), kind)
	}
	for _, kind := range []nemesis.Kind{nemesis.Wipe, nemesis.Rot, nemesis.Crash} {
		require.NoError(t, after(kind, true, "n1"), kind)
	}
}
