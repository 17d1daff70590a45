package docker

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ordeal/docker/agent"
)

var (
	there = link{"n1", "n2"}
	back  = there.reverse()
)

// said is what n1's packets came to at n2, in all: probes, packets, dropped ones.
func said(cut bool, probes, packets, dropped uint64) agent.Peer {
	return agent.Peer{Cut: cut, Probes: probes, Packets: packets, Dropped: dropped}
}

// report is what n2's agent says of n1, and how many rounds both have sent.
func report(sent uint64, worker int, n1 agent.Peer) reports {
	return reports{
		"n1": {Worker: 1, Sent: sent, Peers: map[string]agent.Peer{"n2": {Probes: sent}}},
		"n2": {Worker: worker, Sent: sent, Peers: map[string]agent.Peer{"n1": n1}},
	}
}

func TestMeasureCut(t *testing.T) {
	since := report(100, 1, agent.Peer{Probes: 90, Packets: 1000})
	for name, test := range map[string]struct {
		now           reports
		shown, enough bool
	}{
		"nothing arrived": {
			report(103, 1, said(true, 90, 1000, 7)), true, true,
		},
		"a probe arrived": {
			report(103, 1, said(true, 91, 1000, 7)), false, true,
		},
		"a packet arrived": {
			report(103, 1, said(true, 90, 1001, 7)), false, true,
		},
		"nothing was dropped": {
			report(103, 1, said(true, 90, 1000, 0)), false, false,
		},
		"the rule is gone": {
			report(103, 1, said(false, 90, 1000, 0)), false, false,
		},
		"hardly anything was sent": {
			report(102, 1, said(true, 90, 1000, 2)), false, false,
		},
		"a new worker, nothing arrived": {
			report(103, 2, said(true, 0, 1000, 7)), true, true,
		},
		"a new worker, a probe arrived": {
			report(103, 2, said(true, 91, 1000, 7)), false, true,
		},
	} {
		found, enough := measureCut([]link{there}, since, test.now, "during")
		require.Equal(t, test.shown, found.evidence().Shown, "%s: %+v", name, found)
		require.Equal(t, test.enough, enough, name)
	}
}

func TestMeasureBefore(t *testing.T) {
	set := newCutSet([]string{"n1", "n2"})
	for quiet, shows := range map[int64]bool{-1: false, 0: true, 50: true, 1000: false} {
		found := measureBefore([]link{there}, report(9, 1, agent.Peer{Quiet: quiet}), set)
		require.Equal(t, shows, found.evidence().Shown, "%d ms", quiet)
	}
	set.add("f", []link{there})
	found := measureBefore([]link{there}, report(9, 1, agent.Peer{Quiet: -1}), set)
	require.True(t, found.evidence().Shown, "a link that is cut already")
}

func TestMeasureOpen(t *testing.T) {
	open := map[link]bool{back: true}
	since := report(100, 1, agent.Peer{})
	found, enough := measureOpen([]link{there}, open, since, since)
	require.False(t, found.evidence().Shown, "the way back is silent")
	require.False(t, enough)
	now := report(101, 1, agent.Peer{})
	found, enough = measureOpen([]link{there}, open, since, now)
	require.True(t, found.evidence().Shown)
	require.True(t, enough)
	require.Equal(t, back.String(), found[0].Subject)

	// As one of the others.
	found, _ = measureOpen(nil, open, since, since)
	require.False(t, found.evidence().Shown)
	require.Equal(t, "0 of 1, none on n2→n1", found[0].Value)
	found, _ = measureOpen(nil, open, since, now)
	require.True(t, found.evidence().Shown)
	require.Equal(t, "1 of 1", found[0].Value)
}

func TestMeasureHealed(t *testing.T) {
	since := report(100, 1, agent.Peer{Probes: 90})
	found, enough := measureHealed([]link{there}, map[link]bool{there: true}, since, since)
	require.False(t, found.evidence().Shown)
	require.False(t, enough)
	now := report(101, 1, agent.Peer{Probes: 91})
	found, enough = measureHealed([]link{there}, map[link]bool{there: true}, since, now)
	require.True(t, found.evidence().Shown)
	require.True(t, enough)
	found, enough = measureHealed([]link{there}, nil, since, since)
	require.True(t, found.evidence().Shown, "another fault cuts it")
	require.True(t, enough)
}

func TestMeasureSelfHealed(t *testing.T) {
	with := func(worker, times int) reports {
		return reports{"n2": {Worker: worker, SelfHealed: times, SelfHealedWhy: "silence"}}
	}
	require.Empty(t, measureSelfHealed([]link{there}, with(1, 1), with(1, 1)), "it was before")
	for _, now := range []reports{with(1, 2), with(2, 1)} {
		found := measureSelfHealed([]link{there}, with(1, 1), now)
		require.False(t, found.evidence().Shown)
		require.Equal(t, "silence", found[0].Value)
	}
}

func TestTelling(t *testing.T) {
	require.Equal(t, "", telling(""))
	require.Equal(t, "last", telling("first\nlast\n\n"))
	crash := "up\npanic: no\n\ngoroutine 1 [running]:\nexit status 2\n"
	require.Equal(t, "panic: no", telling(crash))
	require.Equal(t, "panic: again", telling(crash+"panic: again\n"))
	require.Equal(t, "fatal error: stack", telling("fatal error: stack\n\tmain.go:1\n"))
}
