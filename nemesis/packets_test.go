package nemesis_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/nemesis"
)

func TestTheParametersOfAFaultAreItsKinds(t *testing.T) {
	fault := func(text string) error {
		_, err := nemesis.DecodeSchedule([]byte("faults:\n  - {at: 1s, for: 1s, " + text + "}\n"))
		return err
	}
	for _, good := range []string{
		"kind: packets, loss: 20", "kind: packets, links: {n1: [n2]}, delay: 50ms, jitter: 10ms",
		"kind: packets, hold: true, duplicate: 5", "kind: crash, nodes: [n1]",
		"kind: slow-disk, nodes: [n1], delay: 20ms", "kind: drift, nodes: [n2], rate: -50",
		"kind: rot, nodes: [n1]", "kind: broken-disk, nodes: [n1]",
		"kind: full-disk, nodes: [n2]",
	} {
		require.NoError(t, fault(good), good)
	}
	for bad, wrong := range map[string]string{
		"kind: packets":                        "nothing to do",
		"kind: packets, nodes: [n1], loss: 3":  "want links, or none for all",
		"kind: packets, loss: 101":             "loss is 101: want 0 to 100, in percent",
		"kind: packets, loss: some":            "some is not a whole number",
		"kind: packets, hold: maybe":           "maybe is neither true nor false",
		"kind: packets, delay: 1s, jitter: 2s": "jitter is 2s: want up to the delay, 1s",
		"kind: packets, delay: 11s":            "delay is 11s: want up to 10s",
		"kind: kill, nodes: [n1], loss: 3":     "a kill has no links, jitter, loss",
		"kind: kill, nodes: [n1], delay: 3s":   "a kill has no delay",
		"kind: slow-disk, nodes: [n1]":         "a slow-disk has no delay",
		"kind: drift, nodes: [n1]":             "rate is 0: want -90 to 900, in percent",
		"kind: crash":                          "a crash has no victims",
		"kind: packets, duplicate: 200":        "duplicate is 200",
		"kind: pause, nodes: [n1], rate: 3":    "a pause has no rate",
	} {
		require.ErrorContains(t, fault(bad), wrong, bad)
	}
	s, err := nemesis.DecodeSchedule([]byte(
		"faults: [{at: 1s, for: 1s, kind: packets, loss: 1, links: {n1: [n9]}}]"))
	require.NoError(t, err)
	require.ErrorContains(t, s.Validate(names(3), time.Minute), "links: ")
}

func TestPacketsWithoutLinksAreThoseOfAll(t *testing.T) {
	f := nemesis.Fault{ID: "f1", For: time.Second, Kind: nemesis.Packets, Loss: 20}
	resolved, err := f.Resolve(names(3))
	require.NoError(t, err)
	require.Len(t, resolved.Links.Links(), 6)
	require.Equal(t, "packets of n1 | n2 | n3 loss 20 %", resolved.String())
}

func TestWhatStaysLeavesACore(t *testing.T) {
	text := func(stay string) nemesis.Schedule {
		s, err := nemesis.DecodeSchedule([]byte("faults:\n" +
			"  - {at: 1s, for: 1s, kind: kill, nodes: [n1], stay: true}\n" +
			"  - {at: 2s, for: 1s, kind: partition, cut: {n2: [n3]}" + stay + "}\n" +
			"  - {at: 4s, for: 1s, kind: wipe, nodes: [n1]}\n"))
		require.NoError(t, err)
		return s
	}
	s := text("")
	require.Equal(t, []string{"n2", "n3"}, s.Core(names(3)))
	require.NoError(t, s.ValidateCore(names(3)))
	s = text(", stay: true")
	require.Empty(t, s.Core(names(3)))
	require.EqualError(t, s.ValidateCore(names(3)),
		"the faults that stay, such as f1, leave no node a majority to recover with")
	require.NotEmpty(t, s.Core(names(5)))
	require.Equal(t, "partition: n2→n3, to the end", s[1].String())
	_, err := nemesis.DecodeSchedule([]byte(
		"faults: [{at: 1s, for: 1s, kind: rot, nodes: [n1], stay: true}]"))
	require.ErrorContains(t, err, "a rot stays in any case")
}
