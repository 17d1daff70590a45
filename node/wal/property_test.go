package wal

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestAgainstModel does whatever can be done to a log, in any order, on a disk that fails and
// crashes, and compares each recovery with the naive model.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disk := formatted(t)
		s := &session{disk: disk, model: &model{}}
		require.NoError(t, s.open(t))
		t.Repeat(map[string]func(*rapid.T){
			"commit": func(t *rapid.T) {
				require.NoError(t, s.sync())
				require.NoError(t, s.append(drawBatch(t)))
				require.NoError(t, s.sync())
			},
			"append": func(t *rapid.T) {
				require.NoError(t, s.sync())
				require.NoError(t, s.append(drawBatch(t)))
			},
			"snapshot": func(t *rapid.T) { require.NoError(t, s.snapshot()) },
			"reopen": func(t *rapid.T) {
				require.NoError(t, s.log.Close())
				require.NoError(t, s.open(t))
			},
			"process crash": func(t *rapid.T) {
				disk.CrashProcess()
				require.NoError(t, s.open(t))
			},
			"machine crash": func(t *rapid.T) {
				disk.CrashMachine(drawCrash(t))
				require.NoError(t, s.open(t))
			},
			"fail": func(t *rapid.T) {
				failSomewhere(t, s, disk)
				disk.CrashMachine(drawCrash(t))
				require.NoError(t, s.open(t))
			},
			"fail, and only the process crashes": func(t *rapid.T) {
				failSomewhere(t, s, disk)
				disk.CrashProcess()
				require.NoError(t, s.open(t))
			},
		})
	})
}

// failSomewhere lets the disk fail at one operation of a commit or of a snapshot; the log must say
// so, and stay poisoned.
func failSomewhere(t *rapid.T, s *session, disk *MemoryDisk) {
	require.NoError(t, s.sync())
	stop := disk.Operations() + rapid.IntRange(0, 6).Draw(t, "operation")
	written := rapid.IntRange(0, 200).Draw(t, "written")
	failed := false
	disk.Decide = func(operation Operation) Decision {
		if operation.Number != stop {
			return Decision{}
		}
		failed = true
		return Decision{Err: errStopped, Written: written}
	}
	snapshot := rapid.Bool().Draw(t, "snapshot")
	for !failed {
		var err error
		if snapshot {
			err = s.snapshot()
		} else if err = s.append(drawBatch(t)); err == nil {
			err = s.sync()
		}
		require.Equal(t, failed, err != nil)
	}
	disk.Decide = nil
	require.ErrorIs(t, s.log.Sync(), ErrPoisoned)
	require.ErrorIs(t, s.log.Sync(), errStopped)
}

func drawBatch(t *rapid.T) []Record {
	record := rapid.Custom(func(t *rapid.T) Record {
		return Record{
			Key:   []byte(rapid.StringMatching(`[a-d]?`).Draw(t, "key")),
			Value: rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "value"),
		}
	})
	return rapid.SliceOfN(record, 1, 4).Draw(t, "batch")
}

func drawCrash(t *rapid.T) Crash {
	tail := rapid.SampledFrom([]string{
		"lost", "one byte", "half", "but one", "all", "zeros", "hole", "late hole", "garbage",
	}).Draw(t, "tail")
	keep := rapid.SampledFrom([]string{
		"no names", "all names", "only log", "only new",
	}).Draw(t, "names")
	return Crash{Tail: tails[tail], Keep: keeps[keep]}
}

// TestRoundTrip: whatever is appended comes back, sorted by key, the latest of each.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		disk := formatted(t)
		log, _ := mustOpen(t, disk)
		want := map[string]string{}
		batches := rapid.SliceOfN(rapid.Custom(drawBatch), 0, 5).Draw(t, "batches")
		for _, batch := range batches {
			commit(t, log, batch)
			want = merged(want, batch)
		}
		size := log.Size()
		_, recovered := mustOpen(t, disk)
		require.Equal(t, want, merged(nil, recovered.Records))
		require.IsIncreasing(t, append(keysOf(recovered.Records), "~"))
		require.Equal(t, len(batches), recovered.Batches)
		require.Equal(t, size, recovered.LogBytes)
	})
}

func keysOf(records []Record) []string {
	keys := []string{}
	for _, record := range records {
		keys = append(keys, string(record.Key))
	}
	return keys
}
