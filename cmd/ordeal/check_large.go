package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"ordeal/harness"
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
func (c *checker) checkLarge(ctx context.Context, file *os.File, path string) (checked, error) {
	// A run that goes on may add to it meanwhile.
	info, err := file.Stat()
	if err != nil {
		return checked{}, fmt.Errorf("read the history: %w", err)
	}
	now := io.NewSectionReader(file, 0, info.Size())
	judged, err := harness.JudgeFile(ctx, now, path, c.model, c.budget)
	if err != nil {
		return checked{}, fmt.Errorf("%s: %w", path, err)
	}
	one := checked{
		File: path, Format: formatOrdeal, Cut: judged.Cut, Operations: judged.Counts,
		Check: judged.Check, Findings: judged.Findings,
	}
	one.conclude(ctx, judged.Events)
	return one, nil
}
