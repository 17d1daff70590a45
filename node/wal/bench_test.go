package wal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// openForBenchmark returns a log on a real disk, and the path of its directory.
func openForBenchmark(b *testing.B) (*Log, string) {
	path := b.TempDir()
	disk, err := OpenDirectory(path)
	require.NoError(b, err)
	require.NoError(b, Format(disk, ours))
	log, _ := mustOpen(b, disk)
	b.Cleanup(func() {
		require.NoError(b, log.Close())
		require.NoError(b, disk.Close())
	})
	return log, path
}

// recordsOf makes a batch of about what an acceptor writes for so many messages.
func recordsOf(count int) []Record {
	var batch []Record
	for i := range count {
		key := fmt.Appendf(nil, "register/key-%04d", i)
		batch = append(batch, Record{Key: key, Value: bytes.Repeat([]byte{byte(i)}, 150)})
	}
	return batch
}

// BenchmarkRecordedEnd compares what the log does, one sync for a batch, with two ways of recording
// its end a second time: in another file, written in place and synced after the log, and in a
// trailer that is appended to the log and synced. The three take turns, and it is their medians
// that are compared, so that the ratios, to one sync, hold whatever else the machine does. See
// FORMAT.md, "What was measured".
func BenchmarkRecordedEnd(b *testing.B) {
	for _, count := range []int{1, 16} {
		b.Run(fmt.Sprintf("records=%d", count), func(b *testing.B) {
			batch := recordsOf(count)
			oneSync, _ := openForBenchmark(b)
			trailed, _ := openForBenchmark(b)
			pointed, path := openForBenchmark(b)
			pointer, err := os.Create(filepath.Join(path, "end"))
			require.NoError(b, err)
			defer func() { require.NoError(b, pointer.Close()) }()
			trailer := []Record{{Key: []byte("end"), Value: make([]byte, 12)}}
			end := make([]byte, 16)
			variants := []func(){
				func() { commit(b, oneSync, batch) },
				func() {
					commit(b, pointed, batch)
					binary.LittleEndian.PutUint64(end, uint64(pointed.at.offset))
					binary.LittleEndian.PutUint32(end[8:], pointed.at.running)
					_, err := pointer.WriteAt(end, 0)
					require.NoError(b, err)
					require.NoError(b, pointer.Sync())
				},
				func() {
					commit(b, trailed, batch)
					commit(b, trailed, trailer)
				},
			}
			var spent [3][]time.Duration
			for b.Loop() {
				for i, variant := range variants {
					start := time.Now()
					variant()
					spent[i] = append(spent[i], time.Since(start))
				}
			}
			median := [3]float64{}
			for i, name := range []string{"one-sync", "pointer", "trailer"} {
				slices.Sort(spent[i])
				median[i] = float64(spent[i][len(spent[i])/2].Microseconds())
				b.ReportMetric(median[i], name+"-µs")
			}
			b.ReportMetric(median[1]/median[0], "pointer-ratio")
			b.ReportMetric(median[2]/median[0], "trailer-ratio")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkOpen measures a start on a real disk, which writes all that is known to a new file.
func BenchmarkOpen(b *testing.B) {
	for _, keys := range []int{0, 1_000, 10_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			log, _ := openForBenchmark(b)
			for _, batch := range split(recordsOf(keys)) {
				commit(b, log, batch)
			}
			for b.Loop() {
				again, _ := mustOpen(b, log.disk)
				require.NoError(b, again.Close())
			}
		})
	}
}

// BenchmarkAppend measures the log alone, on a disk in memory.
func BenchmarkAppend(b *testing.B) {
	log, _ := mustOpen(b, formatted(b))
	batch := recordsOf(1)
	b.ReportAllocs()
	for b.Loop() {
		commit(b, log, batch)
		if log.Size() > 1<<20 {
			require.NoError(b, log.Snapshot())
		}
	}
}
