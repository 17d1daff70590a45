package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"ordeal/history"
	"ordeal/history/jepsen"
)

// A loaded history is one that was read to be judged, whatever its format.
type loaded struct {
	format, model, cut string
	nilReads           int
	operations         []history.Operation
	// events has the faults and marks; those of the formats of others have the operations too.
	events []history.Event
}

// load reads a history in the format that the flag says or that the file shows.
func (c *checker) load(path string) (loaded, error) {
	file, err := os.Open(path)
	if err != nil {
		return loaded{}, fmt.Errorf("open the history: %w", err)
	}
	defer file.Close()
	in := bufio.NewReader(file)
	format := c.format
	if format == formatAuto {
		head, err := in.Peek(in.Size())
		if err != nil && !errors.Is(err, io.EOF) {
			return loaded{}, fmt.Errorf("read the history: %w", err)
		}
		format = formatOf(head, path)
	}
	switch {
	case format == "":
		return loaded{}, fmt.Errorf("read the history: %s:1: the format is not known "+
			"(accepted: Ordeal's JSON Lines, operations in EDN, or lines of INFO jepsen.util)", path)
	case format == formatOrdeal && c.initial.IsSet():
		return loaded{}, fmt.Errorf("read the history: %s: --initial is for histories "+
			"in EDN, and this is one of Ordeal's", path)
	case format == formatOrdeal:
		return loadOrdeal(in, file, path)
	}
	h, err := jepsen.Read(in, path, jepsen.Options{
		Format: jepsen.Format(format), Initial: c.initial,
	})
	return loaded{
		format: format, model: h.Header.Model, cut: h.Cut, nilReads: h.NilReads,
		operations: h.Operations(), events: h.Events,
	}, err
}

// loadOrdeal reads a history of Ordeal's from in, which reads the file.
func loadOrdeal(in io.Reader, file *os.File, path string) (loaded, error) {
	var size int64
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	record, err := history.ReadRecord(in, size, path)
	return loaded{
		format: formatOrdeal, model: record.Header.Model, cut: record.Cut,
		operations: record.Operations(), events: record.Events,
	}, err
}

// formatOf tells the format of a file from its first bytes, and where they do not show it from its
// name. It returns "" for what is no history.
func formatOf(head []byte, path string) string {
	if format := jepsen.Detect(head); format != "" {
		return string(format)
	}
	head = bytes.TrimLeft(head, " \t\r\n")
	empty := len(head) == 0 || head[0] == gzipMagic
	switch {
	case empty && strings.HasSuffix(path, ".log"):
		return string(jepsen.Log)
	case empty && strings.HasSuffix(strings.TrimSuffix(path, ".gz"), ".edn"):
		return string(jepsen.EDN)
	case empty || head[0] == '{':
		return formatOrdeal
	}
	return ""
}

// gzipMagic is the first byte of a file that is compressed by gzip.
const gzipMagic = 0x1f
