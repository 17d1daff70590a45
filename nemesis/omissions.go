package nemesis

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// A Datagram names one that a node of the simulator sends another: by its link, its kind, the
// client's operation that it serves, and the how manieth of these it is, from 1. The simulator keys
// what is random about a datagram in the same way, so that a name stays the same datagram's when
// others are left out.
type Datagram struct {
	From, To string
	// Kind is the protocol's name for what it says, such as prepare.
	Kind       string
	Operation  OperationName
	Occurrence int
}

// A Timer names one that runs out at a node of the simulator: by the node, the client's operation
// that it serves, and the how manieth of these it is, from 1. Those that the node has dropped do
// not count.
type Timer struct {
	Node       string
	Operation  OperationName
	Occurrence int
}

// An OperationName is a client and the number of one of its operations, as they are listed.
type OperationName struct{ Client, Number int }

// OmissionsMax bounds how many datagrams, and how many timers, a plan lists.
const OmissionsMax = 10_000

// omissionMax bounds the numbers in a name.
const omissionMax = 1<<31 - 1

// String writes it as a scenario does: "n1->n2 prepare 1 of c0.3".
func (d Datagram) String() string {
	return fmt.Sprintf("%s->%s %s %d of %s", d.From, d.To, d.Kind, d.Occurrence, d.Operation)
}

// String writes it as a scenario does: "n1 timer 1 of c0.3".
func (t Timer) String() string {
	return fmt.Sprintf("%s timer %d of %s", t.Node, t.Occurrence, t.Operation)
}

// String writes it with a dot: "c0.3" is number 3 of client 0.
func (o OperationName) String() string { return fmt.Sprintf("c%d.%d", o.Client, o.Number) }

// ParseDatagram reads what String writes.
func ParseDatagram(text string) (Datagram, error) {
	link, kind, occurrence, operation, ok := parsed(text)
	from, to, arrow := strings.Cut(link, "->")
	if !ok || !arrow || from == "" || to == "" {
		return Datagram{}, fmt.Errorf("%q is no datagram: want its link, its kind, the how manieth it "+
			"is and the operation that it serves, such as \"n1->n2 prepare 1 of c0.3\"", text)
	}
	return Datagram{from, to, kind, operation, occurrence}, nil
}

// ParseTimer reads what String writes.
func ParseTimer(text string) (Timer, error) {
	node, kind, occurrence, operation, ok := parsed(text)
	if !ok || kind != "timer" {
		return Timer{}, fmt.Errorf("%q is no timer: want its node, the how manieth it is and the "+
			"operation that it serves, such as \"n1 timer 1 of c0.3\"", text)
	}
	return Timer{node, operation, occurrence}, nil
}

// parsed takes a name apart.
func parsed(text string) (place, kind string, occurrence int, operation OperationName, ok bool) {
	words := strings.Fields(text)
	if len(words) != 5 || words[3] != "of" {
		return "", "", 0, operation, false
	}
	occurrence, counted := numbered(words[2])
	operation, named := operationNamed(words[4])
	return words[0], words[1], occurrence, operation, counted && named
}

// operationNamed reads c0.3.
func operationNamed(text string) (o OperationName, ok bool) {
	client, number, dot := strings.Cut(text, ".")
	digits, prefixed := strings.CutPrefix(client, "c")
	wide, err := strconv.ParseUint(digits, 10, 31)
	if o.Client = int(wide); err != nil || !dot || !prefixed {
		return o, false
	}
	o.Number, ok = numbered(number)
	return o, ok && o.Client < omissionMax
}

// numbered reads a number from 1.
func numbered(text string) (n int, ok bool) {
	wide, err := strconv.ParseUint(text, 10, 31)
	return int(wide), err == nil && wide >= 1 && wide <= omissionMax
}

// MarshalText is String; the encoders ask for it.
func (d Datagram) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// MarshalText is String; the encoders ask for it.
func (t Timer) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads what MarshalText writes; JSON's decoder asks for it.
func (d *Datagram) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDatagram(string(text))
	return err
}

// UnmarshalText reads what MarshalText writes; JSON's decoder asks for it.
func (t *Timer) UnmarshalText(text []byte) (err error) {
	*t, err = ParseTimer(string(text))
	return err
}

// UnmarshalYAML reads it and shows the place of a mistake.
func (d *Datagram) UnmarshalYAML(node ast.Node) (err error) {
	if *d, err = ParseDatagram(scalar(node)); err != nil {
		return errorAt(node, err.Error())
	}
	return nil
}

// UnmarshalYAML reads it and shows the place of a mistake.
func (t *Timer) UnmarshalYAML(node ast.Node) (err error) {
	if *t, err = ParseTimer(scalar(node)); err != nil {
		return errorAt(node, err.Error())
	}
	return nil
}

// scalar returns the text of a value.
func scalar(node ast.Node) string {
	if text, ok := node.(*ast.StringNode); ok {
		return text.Value
	}
	return node.String()
}

// ValidateOmissions returns an error that names the first listed datagram or timer which cannot be
// of a cluster of these nodes, and what is accepted. Kinds are for the simulator to judge.
func (c Conditions) ValidateOmissions(nodes []string) error {
	if most := max(len(c.Lose), len(c.Mute)); most > OmissionsMax {
		return fmt.Errorf("%d datagrams or timers are listed (accepted: up to %d)", most, OmissionsMax)
	}
	known := func(node string) error {
		if slices.Contains(nodes, node) {
			return nil
		}
		return fmt.Errorf("%q is not a node: want some of %s", node, strings.Join(nodes, ", "))
	}
	for i, d := range c.Lose {
		err := known(d.From)
		if err == nil {
			err = known(d.To)
		}
		if err == nil && d.From == d.To {
			err = fmt.Errorf("what %s sends itself is never lost", d.From)
		}
		if err != nil {
			return fmt.Errorf("lose: datagram %d: %w", i+1, err)
		}
	}
	for i, t := range c.Mute {
		if err := known(t.Node); err != nil {
			return fmt.Errorf("mute: timer %d: %w", i+1, err)
		}
	}
	return nil
}

// Omissions is how many datagrams and timers are listed.
func (c Conditions) Omissions() int { return len(c.Lose) + len(c.Mute) }

// Tallied is what somebody who watched a run of the simulator has counted, up to some moment of it.
type Tallied struct {
	// Deliveries are those of datagrams of one node that another one took, Crashes the ends of
	// processes by faults, Timeouts the timers that ran out and had an effect.
	Deliveries, Crashes, Timeouts int
	// Datagrams and Timers are those that were counted, in order; Lost are the datagrams that were
	// lost before a node took them.
	Datagrams, Lost []Datagram
	Timers          []Timer
}

// Size is how many events of these kinds there were.
func (t Tallied) Size() int { return t.Deliveries + t.Crashes + t.Timeouts }
