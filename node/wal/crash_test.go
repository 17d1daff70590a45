package wal

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// errStopped is what a disk says whose machine is about to crash.
var errStopped = errors.New("stopped")

// story runs a log through everything that it can do, until the first error.
func story(t require.TestingT, s *session) error {
	steps := []func() error{
		func() error { return s.open(t) },
		func() error { return s.append(batchOf("a", "1", "b", "2")) },
		s.sync,
		func() error { return s.append(batchOf("a", "3")) },
		s.sync,
		s.snapshot,
		func() error { return s.append(batchOf("c", "4", "a", "5", "a", "6")) },
		s.sync,
		func() error { return s.append(batchOf("b", "7")) },
		func() error { return s.log.Close() },
		func() error { return s.open(t) },
		func() error { return s.append(batchOf("d", "8")) },
		s.snapshot,
		func() error { return s.append(batchOf("e", "9")) },
		s.sync,
		func() error { return s.log.Close() },
		func() error { return s.open(t) },
		func() error { return s.append(batchOf("a", "10")) },
		s.sync,
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// tails are the ways in which a crash of the machine leaves the end of a file.
var tails = map[string]func(string, []byte) []byte{
	"lost":      nil,
	"one byte":  func(_ string, p []byte) []byte { return p[:1] },
	"half":      func(_ string, p []byte) []byte { return p[:len(p)/2] },
	"but one":   func(_ string, p []byte) []byte { return p[:len(p)-1] },
	"all":       func(_ string, p []byte) []byte { return p },
	"zeros":     func(_ string, p []byte) []byte { clear(p); return p },
	"hole":      func(_ string, p []byte) []byte { clear(p[:len(p)/2]); return p },
	"late hole": func(_ string, p []byte) []byte { clear(p[len(p)/2:]); return p },
	"garbage": func(_ string, p []byte) []byte {
		for i := range p {
			p[i] ^= byte(0x5a + i)
		}
		return p
	},
}

// keeps are the ways in which a crash of the machine leaves names.
var keeps = map[string]func(string) bool{
	"no names":  nil,
	"all names": func(string) bool { return true },
	"only log":  func(name string) bool { return name == logName },
	"only new":  func(name string) bool { return name == temporaryName },
}

// crashes is every way to crash.
func crashes() map[string]func(*MemoryDisk) {
	all := map[string]func(*MemoryDisk){"process": (*MemoryDisk).CrashProcess}
	for tail, t := range tails {
		for keep, k := range keeps {
			all["machine: "+tail+", "+keep] = func(d *MemoryDisk) {
				d.CrashMachine(Crash{Tail: t, Keep: k})
			}
		}
	}
	return all
}

// storyOperations is how many operations the undisturbed story takes of a disk.
func storyOperations(t *testing.T) int {
	s := &session{disk: formatted(t), model: &model{}}
	require.NoError(t, story(t, s))
	return s.disk.(*MemoryDisk).Operations()
}

// TestCrashAtEveryOperation stops the story at each of its operations, which for a write may come
// about in part, crashes in every way, and goes on: nothing that was synced is lost, nothing is
// invented, and the log works.
func TestCrashAtEveryOperation(t *testing.T) {
	last := storyOperations(t)
	require.Greater(t, last, 40)
	for name, crash := range crashes() {
		t.Run(name, func(t *testing.T) {
			for stop := range last + 1 {
				for _, written := range []int{0, 1, 20, 33, 60, 1 << 20} {
					crashAndGoOn(t, stop, written, crash)
				}
			}
		})
	}
}

func crashAndGoOn(t *testing.T, stop, written int, crash func(*MemoryDisk)) {
	disk := formatted(t)
	disk.Decide = func(operation Operation) Decision {
		if operation.Number < stop {
			return Decision{}
		}
		if operation.Number > stop {
			written = 0
		}
		return Decision{Err: errStopped, Written: written}
	}
	s := &session{disk: disk, model: &model{}}
	if err := story(t, s); err != nil {
		require.ErrorIs(t, err, errStopped)
	}
	crash(disk)
	disk.Decide = nil
	about := fmt.Sprintf("stopped at operation %d, %d bytes written", stop, written)
	require.NoError(t, s.open(t), about)
	require.NoError(t, s.append(batchOf("z", "after")), about)
	require.NoError(t, s.sync(), about)
	disk.CrashMachine(Crash{})
	require.NoError(t, s.open(t), about)
	require.Equal(t, "after", s.model.synced["z"], about)
}

// TestCrashKeepsWhatWasWritten: a crash of the process alone loses not even what was not synced.
func TestCrashKeepsWhatWasWritten(t *testing.T) {
	disk := formatted(t)
	log, _ := mustOpen(t, disk)
	require.NoError(t, log.Append(batchOf("a", "1")))
	disk.CrashProcess()
	require.Error(t, log.Sync(), "the process is dead")
	_, recovered := mustOpen(t, disk)
	require.Equal(t, batchOf("a", "1"), recovered.Records)
	require.Equal(t, 1, recovered.Batches)

	disk.CrashMachine(Crash{})
	_, recovered = mustOpen(t, disk)
	require.Equal(t, batchOf("a", "1"), recovered.Records, "what Open returned is durable")
}

// TestCrashInFormat: an interrupted Format leaves a disk that is formatted or not, and can be
// formatted in the second case.
func TestCrashInFormat(t *testing.T) {
	undisturbed := &MemoryDisk{}
	require.NoError(t, Format(undisturbed, ours))
	for name, crash := range crashes() {
		for stop := range undisturbed.Operations() + 1 {
			disk := &MemoryDisk{Decide: func(operation Operation) Decision {
				if operation.Number < stop {
					return Decision{}
				}
				return Decision{Err: errStopped, Written: 7}
			}}
			formatErr := Format(disk, ours)
			crash(disk)
			disk.Decide = nil
			_, _, err := Open(disk, ours)
			if formatErr == nil {
				require.NoError(t, err, name)
			}
			if err != nil {
				require.ErrorIs(t, err, ErrUnformatted, name)
				require.NoError(t, Format(disk, ours), name)
				_, _ = mustOpen(t, disk)
			}
		}
	}
}

// TestBootGrowsOverCrashesInOpen: the boot number of every Open that returned is higher than those
// before, however many were interrupted in between.
func TestBootGrowsOverCrashesInOpen(t *testing.T) {
	disk := formatted(t)
	highest := uint64(0)
	for life := range 200 {
		stop := disk.Operations() + life%12
		disk.Decide = func(operation Operation) Decision {
			if operation.Number < stop {
				return Decision{}
			}
			return Decision{Err: errStopped}
		}
		_, recovered, err := Open(disk, ours)
		if err == nil {
			require.Greater(t, recovered.Boot, highest)
			highest = recovered.Boot
		}
		switch life % 3 {
		case 0:
			disk.CrashProcess()
		case 1:
			disk.CrashMachine(Crash{})
		case 2:
			disk.CrashMachine(Crash{Keep: func(string) bool { return true }})
		}
	}
	require.Greater(t, highest, uint64(60))
}
