package linearizability

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"ordeal/history"
)

// sentence says in words what was found. All operations of the key are asked for what is known of
// a value that nobody wrote.
func (f finding) sentence(all []*history.Operation) string {
	if f.guilty == nil {
		return "no order of the operations is legal"
	}
	said := account(f.guilty.op) + moment(f.guilty.op)
	switch f.class {
	case NeverWritten:
		return said + "; " + origin(f.guilty, all)
	case FromTheFuture:
		return said + "; " + asked(f.other.op) + " only" + later(f.guilty, f.other)
	case Contradiction:
		if f.guilty.op.Kind == history.Propose {
			return said
		}
		return said + ", which is what the compare-and-set expected"
	case TwoWinners, DecisionChanged:
		return said + "; " + account(f.other.op) + earlier(f.other, f.guilty)
	case Forgotten:
		return said + "; " + account(f.other.op) + earlier(f.other, f.guilty) +
			", and " + f.guilty.op.Node + " had not been restarted"
	case StaleRead, LostWrite, Reappeared:
		return said + "; " + established(f.other) + earlier(f.other, f.guilty) + fate[f.class]
	}
	return said + "; no order of this and the operations before it is legal"
}

// fate says what became of the newer value.
var fate = map[Class]string{
	StaleRead:  "",
	LostWrite:  ", and was never seen",
	Reappeared: ", and was not seen again",
}

// account says what became of an operation that took effect.
func account(op *history.Operation) string {
	if op.Outcome == history.OK {
		return told(op)
	}
	return asked(op) + " (it did not return, but took effect)"
}

// told says what an operation that came to an end was told: "c7 read 41 from n2".
func told(op *history.Operation) string {
	switch op.Kind {
	case history.Read:
		return client(op) + " read " + text(op.Returned) + node(" from ", op)
	case history.Write:
		return client(op) + " wrote " + text(op.Value) + node(" at ", op)
	case history.CompareAndSet:
		if op.Applied {
			return client(op) + " replaced " + text(op.Expected) + " by " + text(op.Value) +
				" by compare-and-set" + node(" at ", op)
		}
		if op.Blind {
			return client(op) + " was refused a compare-and-set from " + text(op.Expected) +
				node(" by ", op)
		}
		return client(op) + " was told" + node(" by ", op) + " that the register holds " +
			text(op.Returned)
	case history.Learn:
		return client(op) + " learned " + text(op.Returned) + node(" from ", op)
	}
	return client(op) + " was told" + node(" by ", op) + " that " + text(op.Returned) +
		" was chosen"
}

// asked says what an operation wanted, whatever became of it: "c7 called write 41 at n2".
func asked(op *history.Operation) string {
	var what string
	switch op.Kind {
	case history.Read, history.Learn:
		what = string(op.Kind)
	case history.CompareAndSet:
		what = "compare-and-set " + text(op.Expected) + " → " + text(op.Value)
	default:
		what = string(op.Kind) + " " + text(op.Value)
	}
	return client(op) + " called " + what + node(" at ", op)
}

// established says how a value is known to have been there: "42 had been acknowledged to c2 by
// n1".
func established(c *call) string {
	op := c.op
	if op.Outcome != history.OK {
		return account(op)
	}
	switch c.action {
	case readAction:
		return text(op.Returned) + " had been read by " + client(op) + node(" from ", op)
	case mismatchAction:
		return text(op.Returned) + " had been reported to " + client(op) + node(" by ", op)
	}
	return text(op.Value) + " had been acknowledged to " + client(op) + node(" by ", op)
}

// origin says why a value that was seen was never written.
func origin(guilty *call, all []*history.Operation) string {
	seen, _ := guilty.seenValue()
	for _, op := range all {
		if op.Outcome == history.Fail && op.Kind != history.Read && op.Value == seen {
			return asked(op) + ", but that certainly did not happen: " + op.Error
		}
		refused := op.Outcome == history.OK && op.Kind == history.CompareAndSet && !op.Applied
		if refused && op.Value == seen {
			return asked(op) + ", but was told that it did not apply"
		}
	}
	if guilty.op.Kind == history.Propose || guilty.op.Kind == history.Learn {
		return "nobody had ever proposed " + text(seen)
	}
	return "nobody had ever written " + text(seen)
}

// describe says all about one operation: "c2 wrote 42 at n1, 9.104 s to 9.121 s".
func describe(op *history.Operation) string {
	switch op.Outcome {
	case history.OK:
		if op.ReturnTime == 0 {
			return told(op) + ", events " + strconv.FormatInt(op.Call, 10) + " to " +
				strconv.FormatInt(op.Return, 10)
		}
		return told(op) + ", " + precise(op.CallTime) + " to " + precise(op.ReturnTime)
	case history.Fail:
		return asked(op) + begun(op) + ", which failed" + because(op)
	}
	return asked(op) + begun(op) + ", outcome unknown" + because(op)
}

// begun says when an operation was called, as far as that is known: see moment.
func begun(op *history.Operation) string {
	if op.CallTime == 0 {
		return " as event " + strconv.FormatInt(op.Call, 10)
	}
	return " at " + seconds(op.CallTime)
}

func because(op *history.Operation) string {
	if op.Error == "" {
		return ""
	}
	return " (" + op.Error + ")"
}

// moment says when an operation ended, as far as that is known: an imported history may have the
// order only.
func moment(op *history.Operation) string {
	switch {
	case op.Outcome != history.OK:
		return ""
	case op.ReturnTime == 0:
		return " as event " + strconv.FormatInt(op.Return, 10)
	}
	return " at " + seconds(op.ReturnTime)
}

// earlier says how long before the call of another one an operation had ended.
func earlier(c, than *call) string {
	switch {
	case c.end >= than.start:
		return " at the same time"
	case than.op.CallTime == 0 || c.op.Outcome != history.OK:
		return " earlier"
	}
	return " " + seconds(than.op.CallTime-c.op.ReturnTime) + " earlier"
}

// later says how long after the end of an operation another one was called.
func later(c, than *call) string {
	if than.op.CallTime == 0 || c.op.Outcome != history.OK {
		return " later"
	}
	return " " + seconds(than.op.CallTime-c.op.ReturnTime) + " later"
}

// precise shows a time so that the order of operations can be seen.
func precise(d time.Duration) string { return fmt.Sprintf("%.4f s", d.Seconds()) }

// seconds shows a duration with the digits that matter to a person.
func seconds(d time.Duration) string {
	if d < 100*time.Millisecond {
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

func client(op *history.Operation) string { return "c" + strconv.Itoa(op.Client) }

// node names the node that was asked, after a preposition; an imported history may not know it.
func node(preposition string, op *history.Operation) string {
	if op.Node == "" {
		return ""
	}
	return preposition + op.Node
}

// textSizeMax bounds how much of a value is shown, in bytes.
const textSizeMax = 40

// text shows a value: in quotes where it would not be clear in a sentence otherwise.
func text(v history.Value) string {
	s := v.String()
	if !v.IsSet() {
		return s
	}
	cut := ""
	if len(s) > textSizeMax {
		s, cut = strings.ToValidUTF8(s[:textSizeMax], ""), "…"
	}
	if s == "" || s == "nothing" || strings.ContainsFunc(s, notPlain) {
		s = strconv.Quote(s)
	}
	return s + cut
}

func notPlain(r rune) bool { return r <= ' ' || r == '"' || r == ';' || r == ',' || r > '~' }
