package jepsen

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"ordeal/history"
)

// A Format is how others write a history.
type Format string

const (
	// EDN is what Jepsen and Knossos write: operations as maps, one after the other or in one vector
	// or list.
	EDN Format = "jepsen"
	// Log is how the histories of etcd are written that porcupine is published with: lines such as
	// "INFO  jepsen.util - 3 :invoke :cas [1 2]".
	Log Format = "porcupine"
)

// Options are how a history is read. The zero value reads any format, of registers that hold
// nothing at first.
type Options struct {
	// Format is the format of the file; "" finds it by Detect.
	Format Format
	// Initial is what every key holds at first, if it is not nothing; for EDN only. It stands in the
	// history as a write of client -1 that is over before anything else of the key is called.
	Initial history.Value
}

// An Import is a history that was read, and what of the file is not among its operations.
type Import struct {
	history.History
	Format Format
	// NilReads counts the reads that were told nil. Knossos takes that for "not known what", so they
	// constrain nothing and are left out: two marks stand in the place of each.
	NilReads int
	// Others counts what was left out of processes that are no clients, such as the nemesis: each a
	// mark in EDN, a line that was skipped in a log.
	Others int
}

// headSize is how much of a file is looked at to find out its format, in bytes.
const headSize = 4096

// gzipMagic is how a file begins that is compressed by gzip.
var gzipMagic = []byte{0x1f, 0x8b}

var logHead = regexp.MustCompile(`(?m)^INFO\s+jepsen\.`)

// Detect tells the format of a file from its first bytes, compressed by gzip or not; some thousand
// are enough. It returns "" for what is neither, such as a history of Ordeal's, and for nothing.
func Detect(head []byte) Format {
	if bytes.HasPrefix(head, gzipMagic) {
		unzipped, err := gzip.NewReader(bytes.NewReader(head))
		if err != nil {
			return ""
		}
		// The rest of the file is missing, which is no error here.
		head, _ = io.ReadAll(io.LimitReader(unzipped, headSize))
	}
	if logHead.Match(head) {
		return Log
	}
	head = bytes.TrimPrefix(head, []byte(byteOrderMark))
	head = bytes.TrimLeft(head, " \t\r\n\f,")
	if len(head) == 0 {
		return ""
	}
	// JSON has strings as keys, and an operation has keywords.
	if head[0] == '{' {
		inside := bytes.TrimLeft(head[1:], " \t\r\n\f,")
		if len(inside) > 0 && inside[0] == '"' {
			return ""
		}
		return EDN
	}
	if bytes.IndexByte([]byte("[(#;"), head[0]) >= 0 {
		return EDN
	}
	return ""
}

// ParseValue reads a value as histories in EDN write it, such as 0 or "a", for Options.
func ParseValue(text string) (history.Value, error) {
	wrong := func(err error) error {
		return fmt.Errorf("%.40q is no value (accepted: one form of EDN, such as 0): %w", text, err)
	}
	r := newReader(bufio.NewReader(strings.NewReader(text)), "value")
	f, err := r.form(0)
	if errors.Is(err, io.EOF) {
		return history.Value{}, wrong(errors.New("it is empty"))
	}
	if err != nil {
		return history.Value{}, wrong(err)
	}
	if f.kind == closing {
		return history.Value{}, wrong(fmt.Errorf("it begins with %s", f.text))
	}
	if _, err := r.skip(); !errors.Is(err, io.EOF) {
		return history.Value{}, wrong(errors.New("something comes after it"))
	}
	value, err := (&operations{builder: newBuilder("value", history.Value{})}).value(1, f)
	if err != nil {
		return history.Value{}, wrong(err)
	}
	return value, nil
}

// ReadFile reads a history from a file, see Read.
func ReadFile(path string, o Options) (Import, error) {
	file, err := os.Open(path)
	if err != nil {
		return Import{}, fmt.Errorf("open the history: %w", err)
	}
	defer file.Close()
	return Read(file, path, o)
}

// Read reads a history of a register to its end, compressed by gzip or not. The name is how errors
// call it. The history has an event for each operation map of EDN, and for each line of a log that
// says something of a client, so that the index of an event is its place in the file, from 0 (the
// initial values count too). Operations have no node; their client is the process that the file
// names. Times are those of the file, 0 where it has none.
//
// EDN is read as Knossos reads it:
//
//   - the order of the operations is that of the file;
//   - :fail never happened; :info may have happened or not, and so may what does not complete;
//   - a :read that is told nil constrains nothing;
//   - :value is [key value], for a :cas [key [from to]], where keys are independent, and all
//     operations have keys or none does; without, the key is "register";
//   - a process that is no number makes marks; a process that goes on after an :info has another
//     number from then on;
//   - values are told apart by their text as EDN, in which equal values are equal; nil is nothing.
//
// A Log is read as the test of porcupine does, whose verdicts are published: a :read that is told
// nil found nothing; a :cas that ends :fail with its pair was refused, without saying what it saw;
// other :fail and :info are unknown.
//
// A file that ends in the middle of an operation, or before the end of the vector, is the history
// up to there, and Cut says so. Anything else that breaks the rules of a history is an error of one
// line that names the line of the file. Safe for concurrent use.
func Read(in io.Reader, name string, o Options) (Import, error) {
	buffered := bufio.NewReaderSize(in, headSize)
	head, err := buffered.Peek(headSize)
	if o.Format == "" {
		o.Format = Detect(head)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return Import{}, fmt.Errorf("read the history: %s: %w", name, err)
	}
	if bytes.HasPrefix(head, gzipMagic) {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return Import{}, fmt.Errorf("read the history: %s: the compressed file is damaged at its "+
				"beginning: %w", name, err)
		}
		buffered = bufio.NewReaderSize(unzipped, headSize)
	}
	var read Import
	switch {
	case o.Format == EDN:
		read, err = readEDN(buffered, name, o.Initial)
	case o.Format == Log && o.Initial.IsSet():
		return Import{}, fmt.Errorf("read the history: %s: an initial value is for the format %s only",
			name, EDN)
	case o.Format == Log:
		read, err = readLog(buffered, name)
	default:
		return Import{}, fmt.Errorf("read the history: %s:1: the format is not known (accepted: "+
			"operations in EDN, or lines that begin with INFO jepsen.util)", name)
	}
	if err != nil {
		return Import{}, fmt.Errorf("read the history: %w", err)
	}
	read.Format = o.Format
	return read, nil
}

// readEDN reads operations that stand one after the other, or in one vector or list.
func readEDN(in *bufio.Reader, name string, initial history.Value) (Import, error) {
	r := newReader(in, name)
	o := &operations{builder: newBuilder(name, initial)}
	end, err := r.opening()
	begin := r.line
	for err == nil {
		var f form
		r.begin()
		if f, err = r.form(0); err != nil {
			break
		}
		if f.kind == closing {
			err = r.close(f, end)
			end = ""
			break
		}
		err = o.add(f)
	}
	cut := ""
	switch {
	case errors.Is(err, errCut):
		if r.inner > 0 {
			return Import{}, r.fail(r.inner, "an operation begins inside one that does not end "+
				"(is a bracket missing?)")
		}
		r.line = r.begun
		cut = r.cut("the operation that begins here does not end")
	case errors.Is(err, io.EOF) && end != "":
		cut = r.cut(fmt.Sprintf("the %s that closes what begins in line %d is missing", end, begin))
	case errors.Is(err, io.EOF) && (r.compressed || r.zeros):
		cut = r.cut("the file ends here")
	case err != nil && !errors.Is(err, io.EOF):
		return Import{}, err
	}
	return Import{History: o.history(cut), NilReads: o.nilReads, Others: o.others}, nil
}

// opening reads the bracket around all operations and returns the one that closes it, "" if there
// is none.
func (r *reader) opening() (end string, err error) {
	c, err := r.skip()
	switch {
	case err != nil:
		return "", err
	case c == '(':
		return ")", nil
	case c == '[':
		return "]", nil
	}
	r.back(c)
	return "", nil
}

// close checks a closing bracket that no operation has opened, and that nothing follows it. It
// returns io.EOF if all is well.
func (r *reader) close(f form, end string) error {
	if end == "" {
		return r.fail(f.line, "there is a %s that closes nothing", f.text)
	}
	if f.text != end {
		return r.fail(f.line, "there is a %s where a %s closes the history", f.text, end)
	}
	_, err := r.skip()
	if err == nil {
		err = r.fail(r.line, "there is something after the end of the history")
	}
	return err
}

// cut says where and how the file was cut short.
func (r *reader) cut(how string) string {
	switch {
	case r.compressed:
		how = "the compressed file is cut short after this line"
	case r.zeros:
		how = "there are only zero bytes after this"
	}
	return fmt.Sprintf("%s:%d: %s", r.name, r.line, how)
}
