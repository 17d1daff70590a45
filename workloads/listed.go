package workloads

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ordeal/history"
)

// Limits of a listing.
const (
	// ListingMax bounds how many operations are listed, so that a listing can be read as well as
	// written.
	ListingMax = 50_000
	numberMax  = 1<<31 - 1
	listedAt   = 24 * time.Hour
)

// A Listed operation is one that is called as it stands there, instead of being generated.
type Listed struct {
	// At is when it is called, in time since the clients started; but not before the operation of
	// the same client has ended that stands before it.
	At time.Duration `yaml:"at" json:"at"`
	// Client is who calls it, from 0, and Number the how manieth operation of that client it was
	// where it was generated, from 1. In the simulator both name it: what is random about it stays
	// as it is when others are left out.
	Client int    `yaml:"client" json:"client"`
	Number int    `yaml:"number" json:"number"`
	Node   string `yaml:"node" json:"node"`

	Kind history.Kind `yaml:"kind" json:"kind"`
	Key  string       `yaml:"key" json:"key"`
	// Value is what a write or a proposal carries, and the new value of a compare-and-set. Expected
	// is what a compare-and-set requires; nil, that the register was never written.
	Value    string  `yaml:"value,omitempty" json:"value,omitempty"`
	Expected *string `yaml:"expected,omitempty" json:"expected,omitempty"`
	// Final marks a read that looked, when all was over, at what a key holds.
	Final bool `yaml:"final,omitempty" json:"final,omitempty"`
}

// A Listing is a list of operations in the order of their times. One that is nil lists nothing, and
// is another thing than one without any operation.
type Listing []Listed

// IsZero tells whether there is no listing; the encoders ask it.
func (l Listing) IsZero() bool { return l == nil }

// ListingOf lists recorded operations as they were called. It takes them in the order of their
// calls, and all of a run: their places are their numbers.
func ListingOf(ops []history.Operation) Listing {
	numbers := make(map[int]int)
	list := make(Listing, 0, len(ops))
	for _, op := range ops {
		numbers[op.Client]++
		listed := Listed{
			At: op.CallTime, Client: op.Client, Number: int(op.Number), Node: op.Node,
			Kind: op.Kind, Key: op.Key, Value: op.Value.Text(), Final: op.Final,
		}
		if listed.Number == 0 {
			listed.Number = numbers[op.Client]
		}
		if text := op.Expected.Text(); op.Expected.IsSet() {
			listed.Expected = &text
		}
		list = append(list, listed)
	}
	return list
}

// operation returns what is to be called.
func (l Listed) operation() history.Operation {
	op := history.Operation{
		Client: l.Client, Number: int32(l.Number), Node: l.Node, Kind: l.Kind, Key: l.Key,
		Final: l.Final,
	}
	if carries(l.Kind) {
		op.Value = history.NewValue(l.Value)
	}
	if l.Expected != nil {
		op.Expected = history.NewValue(*l.Expected)
	}
	return op
}

// String says in words what is called, without its time.
func (l Listed) String() string {
	text := fmt.Sprintf("c%d at %s: %s %s", l.Client, l.Node, l.Kind, l.Key)
	if l.Kind == history.CompareAndSet {
		return fmt.Sprintf("%s %s → %s", text, l.operation().Expected, l.Value)
	}
	return strings.TrimSpace(text + " " + l.Value)
}

// carries tells whether operations of a kind have a value.
func carries(kind history.Kind) bool {
	return kind == history.Write || kind == history.CompareAndSet || kind == history.Propose
}

// Clients returns the numbers of the clients that call something, in order.
func (l Listing) Clients() []int {
	var clients []int
	for _, listed := range l {
		clients = append(clients, listed.Client)
	}
	slices.Sort(clients)
	return slices.Compact(clients)
}

// Keys returns the keys in the order of their first use.
func (l Listing) Keys() []string {
	var keys []string
	seen := make(map[string]bool)
	for _, listed := range l {
		if !seen[listed.Key] {
			seen[listed.Key] = true
			keys = append(keys, listed.Key)
		}
	}
	return keys
}

// Validate returns an error that names the first operation which cannot be, and what is accepted:
// the kinds are those of the workload, clients are numbered below their count.
func (l Listing) Validate(nodes []string, clients int, kinds []history.Kind) error {
	if len(l) > ListingMax {
		return fmt.Errorf("there are %d (accepted: up to %d)", len(l), ListingMax)
	}
	type name struct{ client, number int }
	named := make(map[name]bool)
	for i, listed := range l {
		err := listed.validate(nodes, clients, kinds)
		if at := (name{listed.Client, listed.Number}); err == nil {
			if named[at] {
				err = fmt.Errorf("client %d has two of number %d", at.client, at.number)
			}
			named[at] = true
		}
		if err == nil && i > 0 && listed.At < l[i-1].At {
			err = fmt.Errorf("at is %v, and the one before is at %v (accepted: the order of time)",
				listed.At, l[i-1].At)
		}
		if err != nil {
			return fmt.Errorf("operation %d: %w", i+1, err)
		}
	}
	return nil
}

func (l Listed) validate(nodes []string, clients int, kinds []history.Kind) error {
	switch {
	case l.At < 0 || l.At > listedAt:
		return fmt.Errorf("at is %v (accepted: 0s to %v)", l.At, listedAt)
	case l.Client < 0 || l.Client >= clients:
		return fmt.Errorf("client is %d (accepted: 0 to %d, one of the plan's clients)",
			l.Client, clients-1)
	case l.Number < 1 || l.Number > numberMax:
		return fmt.Errorf("number is %d (accepted: 1 to %d)", l.Number, numberMax)
	case !slices.Contains(nodes, l.Node):
		return fmt.Errorf("node is %q (accepted: %s)", l.Node, strings.Join(nodes, ", "))
	case !slices.Contains(kinds, l.Kind):
		return fmt.Errorf("kind is %q (accepted: %s)", l.Kind, joined(kinds))
	case l.Key == "":
		return errors.New("it has no key")
	case l.Value != "" && !carries(l.Kind):
		return fmt.Errorf("a %s has no value", l.Kind)
	case l.Expected != nil && l.Kind != history.CompareAndSet:
		return fmt.Errorf("a %s expects no value", l.Kind)
	}
	return nil
}

func joined(kinds []history.Kind) string {
	var names []string
	for _, kind := range kinds {
		names = append(names, string(kind))
	}
	return strings.Join(names, ", ")
}

// ByClient returns what each client calls, in order, as operations with their times.
func (l Listing) ByClient() [][]Due {
	places := make(map[int]int)
	var all [][]Due
	for _, listed := range l {
		place, known := places[listed.Client]
		if !known {
			place = len(all)
			places[listed.Client] = place
			all = append(all, nil)
		}
		all[place] = append(all[place], Due{listed.At, listed.operation()})
	}
	return all
}

// A Due operation is to be called at a time since the clients started.
type Due struct {
	At        time.Duration
	Operation history.Operation
}

// listedWorkload is a workload whose operations are listed, not generated. Next generates none.
type listedWorkload struct {
	Workload
	kinds []history.Kind
	keys  []string
	fresh int
}

// WithListing returns a workload whose operations are listed: judged as those of base, its recovery
// and final reads are of the keys that are listed.
func WithListing(base Workload, list Listing) Workload {
	w := &listedWorkload{Workload: base, keys: list.Keys()}
	for _, kind := range base.Kinds() {
		if slices.ContainsFunc(list, func(l Listed) bool { return l.Kind == kind }) {
			w.kinds = append(w.kinds, kind)
		}
	}
	if len(w.keys) == 0 {
		w.keys = []string{"k1-1"}
	}
	return w
}

func (w *listedWorkload) Kinds() []history.Kind { return w.kinds }

func (w *listedWorkload) Next(int) (history.Operation, bool) { return history.Operation{}, false }

func (w *listedWorkload) Completed(history.Operation) {}

// freshValue returns a value that no listing of generated operations holds: those are numbers.
func (w *listedWorkload) freshValue() history.Value {
	w.fresh++
	return history.NewValue(fmt.Sprintf("r%d", w.fresh))
}

// asked returns what a node is asked for a key, to be written and then read.
func (w *listedWorkload) asked() (write, read history.Kind) {
	if w.Model() == "decision" {
		return history.Propose, history.Learn
	}
	return history.Write, history.Read
}

func (w *listedWorkload) Recovery(node string) []history.Operation {
	write, read := w.asked()
	var operations []history.Operation
	for _, key := range w.keys {
		operations = append(operations,
			history.Operation{Node: node, Kind: write, Key: key, Value: w.freshValue()},
			history.Operation{Node: node, Kind: read, Key: key})
	}
	return operations
}

// FinalReads reads every listed key at every node.
func (w *listedWorkload) FinalReads(nodes []string) *FinalReads {
	_, read := w.asked()
	f := &FinalReads{}
	for _, key := range w.keys {
		for _, node := range nodes {
			f.listed = append(f.listed,
				history.Operation{Node: node, Kind: read, Key: key, Final: true})
		}
	}
	f.left = len(f.listed)
	return f
}

// Shortened returns the listing without what does not satisfy keep.
func (l Listing) Shortened(keep func(Listed) bool) Listing {
	list := make(Listing, 0, len(l))
	for _, listed := range l {
		if keep(listed) {
			list = append(list, listed)
		}
	}
	return list
}

// Ordered returns the listing in the order of time.
func (l Listing) Ordered() Listing {
	list := slices.Clone(l)
	slices.SortStableFunc(list, func(a, b Listed) int { return cmp.Compare(a.At, b.At) })
	return list
}
