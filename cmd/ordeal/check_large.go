package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"ordeal/harness"
	"ordeal/results"
)

// largeFrom is the size, in bytes, from which on a history of Ordeal's is judged without holding
// it: about two million operations, which take some gigabytes. It is read twice then. Of a
// compressed file it is a part, since that holds so much more.
const (
	largeFrom      = 512 << 20
	largeFromGzip  = largeFrom / 16
	gzipNameEnding = ".gz"
)

// openLarge opens a history of Ordeal's that is too large to be held; it returns nil for others.
func (c *checker) openLarge(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, nil // a pipe can be read once only
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the history: %w", err)
	}
	least := c.largeFrom
	if strings.HasSuffix(path, gzipNameEnding) {
		least = min(least, largeFromGzip)
	}
	head := make([]byte, 4096)
	n, _ := file.ReadAt(head, 0)
	format := c.format
	if format == formatAuto {
		format = formatOf(head[:n], path)
	}
	if info.Size() < least || format != formatOrdeal || c.initial.IsSet() {
		return nil, file.Close()
	}
	return file, nil
}

// checkLarge reads and judges one history of Ordeal's without holding it.
// It is judged as long as it was at first: a run that goes on may add to it meanwhile. If it cannot
// be read to its end for a second time, what was found in it until then is said all the same.
func (c *checker) checkLarge(
	ctx context.Context, file io.ReaderAt, bytes int64, path string,
) (checked, error) {
	now := io.NewSectionReader(file, 0, bytes)
	judged, err := harness.JudgeFile(ctx, now, path, c.model, c.budget)
	if err != nil && (judged.Check == nil || len(judged.Check.Illegal()) == 0) {
		return checked{}, fmt.Errorf("%s: %w", path, err)
	}
	if err != nil {
		judged.Findings = append(judged.Findings, results.Finding{
			Verdict: results.Harness, What: err.Error(),
		})
	}
	one := checked{
		File: path, Format: formatOrdeal, Cut: judged.Cut, Operations: judged.Counts,
		Check: judged.Check, Findings: judged.Findings,
	}
	one.conclude(ctx, judged.Events)
	return one, nil
}
