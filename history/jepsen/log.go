package jepsen

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"ordeal/history"
)

// logLine is a line of Jepsen's log that says what a process did. Other lines, also those of the
// nemesis, are skipped.
var logLine = regexp.MustCompile(`^INFO\s+jepsen\.util\s+-\s+([0-9]+\s.*|[0-9]+)$`)

// readLog reads a log of the register of etcd.
func readLog(in *bufio.Reader, name string) (Import, error) {
	lines := bufio.NewReaderSize(in, formSizeMax)
	b := newBuilder(name, history.Value{})
	cut := ""
	for number := 1; ; number++ {
		text, err := lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return Import{}, b.fail(number, "the line is longer than %d bytes", formSizeMax)
		case errors.Is(err, io.ErrUnexpectedEOF):
			cut = fmt.Sprintf("%s:%d: the compressed file is cut short in this line", name, number)
		case errors.Is(err, io.EOF) && len(text) > 0:
			// A number without what comes after it may lack digits.
			cut = fmt.Sprintf("%s:%d: the last line has no end, and is left out", name, number)
		case err != nil && !errors.Is(err, io.EOF):
			return Import{}, b.fail(number, "the file cannot be read from here on: %w", err)
		}
		if err != nil {
			break
		}
		found := logLine.FindSubmatch(bytes.TrimRight(text, "\r\n"))
		if found == nil {
			b.others++
			continue
		}
		if err := b.logged(number, string(found[1])); err != nil {
			return Import{}, err
		}
	}
	if len(b.events) == 0 && b.others > 0 {
		return Import{}, b.fail(1, "no line says what a process did (accepted: lines such as "+
			"INFO  jepsen.util - 3 :invoke :cas [1 2])")
	}
	return Import{History: b.history(cut), Others: b.others}, nil
}

// logged takes what one line says: the process, how far its operation is, what it is, and its
// value.
func (b *builder) logged(line int, text string) error {
	forms, err := b.forms(line, text)
	if err != nil {
		return err
	}
	if len(forms) != 4 || forms[0].kind != integer {
		return b.fail(line, "the line has %d parts (accepted: 4, such as 3 :invoke :cas [1 2])",
			len(forms))
	}
	process, err := strconv.ParseInt(forms[0].text, 10, 64)
	if err != nil {
		return b.fail(line, "the process is %.40s (accepted: from 0 on)", forms[0].text)
	}
	kind, known := kinds[forms[2].name()]
	if !known {
		return b.fail(line, "the operation is %s (accepted: :read, :write and :cas)",
			forms[2].shown())
	}
	switch outcome := forms[1].name(); outcome {
	case ":invoke":
		return b.logCall(line, process, kind, forms[3])
	case ":ok", ":fail", ":info":
		return b.logEnd(line, process, kind, outcome, forms[3])
	}
	return b.fail(line, "the operation is at %s (accepted: :invoke, :ok, :fail and :info)",
		forms[1].shown())
}

// forms reads the parts of a line, of which there may be five at most to be sure that there are not
// four.
func (b *builder) forms(line int, text string) ([]form, error) {
	r := newReader(bufio.NewReader(strings.NewReader(text)), b.name)
	r.line = line
	var forms []form
	for len(forms) < 5 {
		f, err := r.form(0)
		switch {
		case errors.Is(err, io.EOF):
			return forms, nil
		case errors.Is(err, errCut):
			return nil, b.fail(line, "the line ends in the middle of a value")
		case err != nil:
			return nil, err
		case f.kind == closing:
			return nil, b.fail(line, "there is a %s that closes nothing", f.text)
		}
		forms = append(forms, f)
	}
	return forms, nil
}

func (b *builder) logCall(line int, process int64, kind history.Kind, asked form) error {
	if err := b.idle(line, process); err != nil {
		return err
	}
	op := history.Operation{Kind: kind, Key: defaultKey}
	var err error
	switch kind {
	case history.Read:
		if asked.kind != null {
			return b.fail(line, "a :read is called with %s (accepted: nil)", asked.shown())
		}
	case history.Write:
		op.Value, err = b.number(line, asked)
	case history.CompareAndSet:
		if !asked.pair() {
			return b.fail(line, "a :cas needs a pair (accepted: [from to])")
		}
		if op.Expected, err = b.number(line, asked.items[0]); err == nil {
			op.Value, err = b.number(line, asked.items[1])
		}
	}
	if err != nil {
		return err
	}
	text, err := asked.print()
	if err != nil {
		return b.fail(line, "%w", err)
	}
	return b.invoke(line, process, op, text)
}

// logEnd takes a completion. The client of etcd's test is refused a compare-and-set whose condition
// did not hold, and says :fail: that it does not say what it saw makes it blind. Porcupine takes no
// notice of the completions that are left, so that what they complete may happen at any time.
func (b *builder) logEnd(
	line int, process int64, kind history.Kind, outcome string, told form,
) error {
	c, err := b.inFlight(line, process, kind)
	if err != nil {
		return err
	}
	text, err := told.print()
	if err != nil {
		return b.fail(line, "%w", err)
	}
	answered := told.kind != keyword
	if answered && kind != history.Read && text != c.text {
		return b.fail(line, "the operation completes with %s, and was called with %.200s in line %d",
			told.shown(), c.text, c.line)
	}
	unknown := history.Result{Outcome: history.Info, Error: told.shown()}
	switch {
	case outcome == ":fail" && kind == history.CompareAndSet && answered:
		b.complete(process, history.Result{Outcome: history.OK, Blind: true})
	case outcome != ":ok":
		b.complete(process, unknown)
	case !answered:
		return b.fail(line, "the operation ends :ok with %s (accepted: its value)", told.shown())
	case kind == history.Read && told.kind == null:
		b.complete(process, history.Result{Outcome: history.OK})
	case kind == history.Read:
		value, err := b.number(line, told)
		if err != nil {
			return err
		}
		b.complete(process, history.Result{Outcome: history.OK, Returned: value})
	default:
		b.complete(process, history.Result{
			Outcome: history.OK, Applied: kind == history.CompareAndSet,
		})
	}
	return nil
}

// number returns a value, which all are numbers.
func (b *builder) number(line int, f form) (history.Value, error) {
	if f.kind != integer || len(f.text) > textSizeMax {
		return history.Value{}, b.fail(line, "a value is %s (accepted: whole numbers)", f.shown())
	}
	return history.NewValue(f.text), nil
}
