package history

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"time"
)

// A line is an event as it stands in the file. Absent and zero differ for some fields (client 0,
// a register that holds nothing), hence the pointers.
type line struct {
	Index *int64 `json:"index"`
	Time  *int64 `json:"time"`
	Type  Type   `json:"type"`

	Op      int64  `json:"op,omitempty"`
	Process *int   `json:"process,omitempty"`
	Client  *int   `json:"client,omitempty"`
	Node    string `json:"node,omitempty"`
	Kind    Kind   `json:"f,omitempty"`
	Key     string `json:"key,omitempty"`

	Value    *Value `json:"value,omitempty"`
	Expected *Value `json:"expected,omitempty"`
	Final    bool   `json:"final,omitempty"`

	Applied  *bool  `json:"applied,omitempty"`
	Returned *Value `json:"returned,omitempty"`
	Blind    bool   `json:"blind,omitempty"`
	Error    string `json:"error,omitempty"`

	Fault *Fault `json:"fault,omitempty"`
	Mark  *Mark  `json:"mark,omitempty"`
}

// MarshalJSON writes the event as one flat object, which is a line of the file:
//
//	{"index":12,"time":3400000,"type":"invoke","op":7,"process":3,"client":3,"node":"n4",
//	 "f":"cas","key":"r0","value":"17","expected":null}
//	{"index":13,"time":3900000,"type":"ok","op":7,"process":3,"node":"n4",
//	 "f":"cas","key":"r0","applied":false,"returned":"16"}
//
// Times are nanoseconds. A completion repeats who called what, so that a line can be understood
// alone; what was written stands in the invocation. Where a field says what a register holds,
// null means nothing.
func (e Event) MarshalJSON() ([]byte, error) { return json.Marshal(e.line()) }

// line returns the event as it stands in the file. It shares memory with e.
func (e *Event) line() line {
	l := line{
		Index: &e.Index, Time: (*int64)(&e.Time), Type: e.Type, Fault: e.Fault, Mark: e.Mark,
	}
	if op := e.Operation; op != nil {
		l.Op, l.Process, l.Node, l.Kind, l.Key = op.ID, &op.Process, op.Node, op.Kind, op.Key
		if e.Type == TypeInvoke {
			l.invocation(op)
		} else {
			l.completion(op)
		}
	}
	return l
}

// invocation adds what only an invocation says.
func (l *line) invocation(op *Operation) {
	l.Client, l.Final = &op.Client, op.Final
	switch op.Kind {
	case Write, Propose:
		l.Value = &op.Value
	case CompareAndSet:
		l.Value, l.Expected = &op.Value, &op.Expected
	}
}

// completion adds how the operation ended.
func (l *line) completion(op *Operation) {
	l.Error = op.Error
	if l.Type != TypeOK {
		return
	}
	if op.Kind == CompareAndSet {
		l.Applied, l.Blind = &op.Applied, op.Blind
		if op.Applied || op.Blind {
			return
		}
	}
	if op.Kind != Write {
		l.Returned = &op.Returned
	}
}

// UnmarshalJSON reads what MarshalJSON wrote, and refuses fields that it does not know. The
// operation of a completion holds what the line says: a Reader adds the rest from the invocation.
func (e *Event) UnmarshalJSON(data []byte) error {
	l, err := parseLine(data)
	if err != nil {
		return err
	}
	return l.event(e, new(Operation))
}

// parseLine reads a line in whatever form JSON allows.
func parseLine(data []byte) (*line, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	var l line
	if err := decoder.Decode(&l); errors.Is(err, io.EOF) {
		return nil, errors.New("the line is empty (accepted: one event a line)")
	} else if err != nil {
		return nil, explainJSON(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is something after the object (accepted: one event a line)")
	}
	return &l, checkText(data)
}

// event sets e to what the line says, with op as its operation if it is one of an operation.
func (l *line) event(e *Event, op *Operation) error {
	if l.Index == nil || l.Time == nil {
		return errors.New(`an event needs "index" and "time"`)
	}
	*e = Event{Index: *l.Index, Time: time.Duration(*l.Time), Type: l.Type}
	switch l.Type {
	case TypeFault:
		e.Fault = l.Fault
	case TypeMark:
		e.Mark = l.Mark
	case TypeInvoke, TypeOK, TypeFail, TypeInfo:
		if err := l.operation(op); err != nil {
			return err
		}
		e.Operation = op
	default:
		return unknownType(l.Type)
	}
	return l.checkAllTaken(e)
}

// operation sets op to the operation that the line names.
func (l *line) operation(op *Operation) error {
	if l.Op == 0 || l.Process == nil || l.Kind == "" {
		return fmt.Errorf(`an event of type %q needs "op", "process" and "f"`, l.Type)
	}
	*op = Operation{
		ID: l.Op, Process: *l.Process, Node: l.Node, Kind: l.Kind, Key: l.Key,
		Call: NoReturn, Return: NoReturn,
	}
	if l.Type == TypeInvoke {
		if l.Client == nil {
			return errors.New(`an event of type "invoke" needs "client"`)
		}
		op.Client, op.Final = *l.Client, l.Final
		op.Value, op.Expected = valueOrNothing(l.Value), valueOrNothing(l.Expected)
		return nil
	}
	op.Result = Result{
		Outcome:  Outcome(l.Type),
		Returned: valueOrNothing(l.Returned),
		Applied:  l.Applied != nil && *l.Applied,
		Blind:    l.Blind,
		Error:    l.Error,
	}
	return nil
}

func valueOrNothing(v *Value) Value {
	if v == nil {
		return Value{}
	}
	return *v
}

// checkAllTaken checks that everything on the line went into e: a field that does not belong to
// the type of event, or to the kind of operation, would otherwise be dropped in silence.
func (l *line) checkAllTaken(e *Event) error {
	if e.Type == TypeFault && e.Fault == nil || e.Type == TypeMark && e.Mark == nil {
		return fmt.Errorf("an event of type %q needs %q", e.Type, e.Type)
	}
	taken := e.line()
	dropped := l.fields() &^ taken.fields()
	if dropped == 0 {
		return nil
	}
	of := ""
	if op := e.Operation; op != nil {
		of = fmt.Sprintf(" and f %q", op.Kind)
	}
	return fmt.Errorf("%q does not belong to an event of type %q%s",
		fieldNames[bits.TrailingZeros16(dropped)], e.Type, of)
}

// fieldNames are the fields that not every event has, by their bit.
var fieldNames = [...]string{
	"op", "process", "client", "node", "f", "key", "value", "expected", "final",
	"applied", "returned", "blind", "error", "fault", "mark",
}

// fields has a bit for each of the fieldNames that is set.
func (l *line) fields() uint16 {
	var set uint16
	for i, is := range [len(fieldNames)]bool{
		l.Op != 0, l.Process != nil, l.Client != nil, l.Node != "", l.Kind != "", l.Key != "",
		l.Value != nil, l.Expected != nil, l.Final,
		l.Applied != nil, l.Returned != nil, l.Blind, l.Error != "", l.Fault != nil, l.Mark != nil,
	} {
		if is {
			set |= 1 << i
		}
	}
	return set
}
