package jepsen

import (
	"strconv"

	"ordeal/history"
)

// textSizeMax bounds a value and a key, in bytes: a line of Ordeal's format holds three.
const textSizeMax = 10_000

// defaultKey is what the one object of a history without keys is called.
const defaultKey = "register"

// tupleTag says of a pair that it is a key and a value.
const tupleTag = "jepsen.independent/tuple"

// An operations takes the operations of an EDN history one after the other.
type operations struct {
	*builder
	// keyed tells whether values come with keys, once the first call has shown it.
	keyed, known bool
	firstLine    int
}

// An entry is an operation of the file: what belongs to the keys that matter, if they are there.
type entry struct {
	line                                     int
	process, outcome, f, value, time, reason *form
}

// add takes the next operation.
func (o *operations) add(f form) error {
	e, err := o.entry(f)
	if err != nil {
		return err
	}
	if e.time != nil && e.time.kind == integer {
		// One that is too large for 64 bits is no time.
		nanoseconds, err := strconv.ParseInt(e.time.text, 10, 64)
		if err == nil {
			o.at(nanoseconds)
		}
	}
	if e.process.kind != integer {
		return o.notClient(e)
	}
	process, err := strconv.ParseInt(e.process.text, 10, 64)
	if err != nil {
		return o.fail(e.line, ":process is %.40s (accepted: from 0 on)", e.process.text)
	}
	kind, err := o.kind(e)
	if err != nil {
		return err
	}
	switch e.outcome.name() {
	case ":invoke":
		return o.call(e, process, kind)
	case ":ok", ":fail", ":info":
		return o.end(e, process, kind)
	}
	return o.fail(e.line, ":type is %s (accepted: :invoke, :ok, :fail and :info)",
		e.outcome.shown())
}

// entry takes an operation apart.
func (o *operations) entry(f form) (entry, error) {
	e := entry{line: f.line}
	f = f.untagged()
	if f.kind != dictionary {
		return e, o.fail(e.line, "this is no operation (accepted: maps with :process, :type, :f "+
			"and :value, one after the other or in one vector or list)")
	}
	for i := 0; i < len(f.items); i += 2 {
		field := e.field(f.items[i].name())
		if field == nil {
			continue
		}
		if *field != nil {
			return e, o.fail(e.line, "the operation has %s twice", f.items[i].text)
		}
		*field = &f.items[i+1]
	}
	for _, name := range []string{":process", ":type", ":f"} {
		if field := *e.field(name); field == nil || field.kind == null {
			return e, o.fail(e.line, "an operation needs %s", name)
		}
	}
	return e, nil
}

// field returns where to put what stands behind a key, nil for keys that do not matter.
func (e *entry) field(name string) **form {
	switch name {
	case ":process":
		return &e.process
	case ":type":
		return &e.outcome
	case ":f":
		return &e.f
	case ":value":
		return &e.value
	case ":time":
		return &e.time
	case ":error":
		return &e.reason
	}
	return nil
}

// notClient takes what a process did that has no number. The nemesis, and others of its kind, do
// not touch the register: a client that did would be missed.
func (o *operations) notClient(e entry) error {
	who, what := e.process.shown(), e.f.shown()
	if _, ofRegister := kinds[e.f.name()]; ofRegister && who != ":nemesis" {
		return o.fail(e.line, "process %s calls %s (accepted: numbers as the processes that do)",
			who, what)
	}
	o.other(who + " " + what)
	return nil
}

// kinds are the operations of a register.
var kinds = map[string]history.Kind{
	":read": history.Read, ":write": history.Write, ":cas": history.CompareAndSet,
}

func (o *operations) kind(e entry) (history.Kind, error) {
	kind, known := kinds[e.f.name()]
	if !known {
		return "", o.fail(e.line, ":f is %s (accepted: :read, :write and :cas, those of a register)",
			e.f.shown())
	}
	return kind, nil
}

// call takes an invocation.
func (o *operations) call(e entry, process int64, kind history.Kind) error {
	if err := o.idle(e.line, process); err != nil {
		return err
	}
	if e.value == nil && kind != history.Read {
		return o.fail(e.line, "a call of :%s needs :value", kind)
	}
	op := history.Operation{Kind: kind, Key: defaultKey}
	key, asked, err := o.split(e, kind)
	if err != nil {
		return err
	}
	if key != nil {
		if op.Key, err = o.text(e.line, *key); err != nil {
			return err
		}
	}
	switch kind {
	case history.Write:
		op.Value, err = o.value(e.line, asked)
	case history.CompareAndSet:
		op.Expected, op.Value, err = o.swap(e.line, asked)
	}
	if err != nil {
		return err
	}
	text, err := e.given().print()
	if err != nil {
		return o.fail(e.line, "%w", err)
	}
	return o.invoke(e.line, process, op, text)
}

// swap returns what a compare-and-set expects, and what it sets.
func (o *operations) swap(line int, asked form) (expected, value history.Value, err error) {
	if !asked.pair() {
		return expected, value, o.fail(line, "a :cas needs a pair (accepted: :value [from to], "+
			"or [key [from to]])")
	}
	if expected, err = o.value(line, asked.items[0]); err == nil {
		value, err = o.value(line, asked.items[1])
	}
	return expected, value, err
}

// end takes a completion. What one says that failed, or is unknown, does not matter, but why.
func (o *operations) end(e entry, process int64, kind history.Kind) error {
	c, err := o.inFlight(e.line, process, kind)
	if err != nil {
		return err
	}
	r := history.Result{Outcome: history.Outcome(e.outcome.text[1:])}
	switch {
	case r.Outcome != history.OK:
		r.Error = o.reason(e)
	case kind == history.Read:
		if e.value == nil || e.value.kind == null {
			o.leaveOut(process)
			return nil
		}
		return o.read(e, process, c)
	default:
		if err := o.same(e, c); err != nil {
			return err
		}
		r.Applied = kind == history.CompareAndSet
	}
	o.complete(process, r)
	return nil
}

// read takes the completion of a read that was told something.
func (o *operations) read(e entry, process int64, c call) error {
	key, told, err := o.split(e, history.Read)
	if err != nil {
		return err
	}
	if key != nil {
		name, err := o.text(e.line, *key)
		if err != nil {
			return err
		}
		if called := o.events[c.event].Operation.Key; name != called {
			return o.fail(e.line, "process %d reads the key %.40s, and called a read of %.40s in "+
				"line %d", process, name, called, c.line)
		}
	}
	if told.kind == null {
		o.leaveOut(process)
		return nil
	}
	value, err := o.value(e.line, told)
	if err == nil {
		o.complete(process, history.Result{Outcome: history.OK, Returned: value})
	}
	return err
}

// same refuses a completion that says another value than the call did: which of them happened?
func (o *operations) same(e entry, c call) error {
	if e.value == nil {
		return nil
	}
	text, err := e.given().print()
	if err != nil {
		return o.fail(e.line, "%w", err)
	}
	if text != c.text {
		return o.fail(e.line, "the operation completes with the value %.40s, and was called with "+
			"%.40s in line %d", text, c.text, c.line)
	}
	return nil
}

// reason returns why an operation did not end well.
func (o *operations) reason(e entry) string {
	if e.reason == nil || e.reason.kind == null {
		return "the history says " + e.outcome.text
	}
	return e.reason.shown()
}

// given returns the value of an operation, without the tag that says that it comes with a key.
func (e entry) given() form {
	switch {
	case e.value == nil:
		return form{kind: null, text: "nil", line: e.line}
	case e.tuple():
		return e.value.items[0]
	}
	return *e.value
}

// tuple tells whether the value says that it comes with a key.
func (e entry) tuple() bool {
	return e.value != nil && e.value.kind == tagged && e.value.text == tupleTag
}

// split tells the key of an operation from the rest of its value: there is a key where the value of
// a read or write is a pair, and where the second half of that of a compare-and-set is one. Either
// all operations of a history come with keys or none does. The key is nil where there is none.
func (o *operations) split(e entry, kind history.Kind) (key *form, rest form, err error) {
	value := e.given()
	keyed := value.pair() && (kind != history.CompareAndSet || value.items[1].pair())
	if e.tuple() && !keyed {
		return nil, form{}, o.fail(e.line, "#%s needs a key and a value (accepted: [key value], "+
			"for a :cas [key [from to]])", tupleTag)
	}
	if kind == history.CompareAndSet && !value.pair() {
		// There is nothing to be known of it, and swap says what it needs.
		return nil, value, nil
	}
	if !o.known {
		o.keyed, o.known, o.firstLine = keyed, true, e.line
	}
	if o.keyed != keyed {
		with := map[bool]string{true: "has", false: "has not"}
		return nil, form{}, o.fail(e.line, "the value %s a key, as in [key value], and that of line %d "+
			"%s (accepted: all or none)", with[keyed], o.firstLine, with[o.keyed])
	}
	if !keyed {
		return nil, value, nil
	}
	return &value.items[0], value.items[1], nil
}

// value returns what a form stands for as the content of a register: nil for nothing.
func (o *operations) value(line int, f form) (history.Value, error) {
	if f.kind == null {
		return history.Value{}, nil
	}
	text, err := o.text(line, f)
	if err != nil {
		return history.Value{}, err
	}
	return history.NewValue(text), nil
}

func (o *operations) text(line int, f form) (string, error) {
	text, err := f.print()
	if err != nil {
		return "", o.fail(line, "%w", err)
	}
	if len(text) > textSizeMax {
		return "", o.fail(line, "a value has %d bytes (accepted: at most %d)", len(text), textSizeMax)
	}
	return text, nil
}
