package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ordeal/harness"
)

// A violation is told of at once, once, and in a line of its own.
func TestStatusTellsOfAViolationOnce(t *testing.T) {
	at := func(s float64, violation string) harness.Progress {
		return harness.Progress{
			Elapsed: time.Duration(s * float64(time.Second)), Phase: "load", OK: 3,
			Violation: violation,
		}
	}
	const told = "violation found at 1.50 s: the history of k1-2 is illegal\n"
	for _, terminal := range []bool{false, true} {
		var out bytes.Buffer
		s := newStatus(&out, false)
		s.terminal = terminal
		s.progress(at(1, ""))
		s.progress(at(1.5, "the history of k1-2 is illegal"))
		s.progress(at(2, "the history of k1-2 is illegal"))
		require.Equal(t, 1, bytes.Count(out.Bytes(), []byte("violation")))
		if terminal {
			require.Contains(t, out.String(), "\x1b[K"+told)
		} else {
			require.Equal(t, "  1.0s load: 3 ok, 0 fail, 0 unknown\n"+told, out.String())
		}
	}
	var out bytes.Buffer
	newStatus(&out, true).progress(at(1, "n2 ended by itself"))
	require.Empty(t, out.String(), "the summary says it")
}
