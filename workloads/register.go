package workloads

import (
	"slices"
	"strconv"

	"ordeal/history"
)

// The mix of a register's operations, in percent; the rest are compare-and-sets.
const (
	registerReads  = 45
	registerWrites = 35
)

// maxKnown bounds how many values of a key are remembered for compare-and-sets to expect.
const maxKnown = 8

// expectedAge says how a compare-and-set chooses the value that it expects, each entry equally
// likely: the newest that is known (0), or one that is so many older; what is older than everything
// that is known is nothing, the value of a fresh key. So a good part of the conditions hold, and
// those that do not are of values that the key once had.
var expectedAge = [10]int{0, 0, 0, 0, 0, 0, 0, 1, 2, maxKnown - 1}

// register is the workload of reads, writes and compare-and-sets: 45, 35 and 20 percent, on every
// key alike, and besides a read of each key through each node when it was replaced. The values of a
// key are the numbers 1, 2, … in decimal, in the order in which they were handed out, so that each
// is written once and a person sees which is newer.
type register struct {
	clients
	*places
	// contents is what is known of the live key at each place.
	contents []content
	mix      Mix
}

// content is what is known of a live key.
type content struct {
	// written counts the values that were handed out.
	written int
	// known are values that the key had, the newest last, each once, at most maxKnown.
	known []history.Value
}

func newRegister(o Options) *register {
	if o.Mix == (Mix{}) {
		o.Mix = Mix{Reads: registerReads, Writes: registerWrites}
	}
	return &register{
		mix:      o.Mix,
		clients:  newClients("register", o),
		places:   newPlaces("k", o),
		contents: make([]content, o.Keys),
	}
}

func (*register) Name() string  { return "register" }
func (*register) Model() string { return "register" }

func (*register) Kinds() []history.Kind {
	return []history.Kind{history.Read, history.Write, history.CompareAndSet}
}

// Next draws three numbers for every operation but a parting read, so that the client's own ones do
// not depend on what is known of the keys, or on when others are replaced.
func (w *register) Next(client int) (history.Operation, bool) {
	if !w.has(client) {
		return history.Operation{}, false
	}
	if key, parting := w.partings.next(client); parting {
		return history.Operation{
			Client: client, Node: w.node(client), Kind: history.Read, Key: key,
		}, true
	}
	r := w.streams[client]
	place, kind, age := r.IntN(len(w.contents)), r.IntN(100), expectedAge[r.IntN(len(expectedAge))]
	key, fresh := w.use(place)
	c := &w.contents[place]
	if fresh {
		*c = content{}
	}
	operation := history.Operation{Client: client, Node: w.node(client), Key: key}
	switch {
	case kind < w.mix.Reads:
		operation.Kind = history.Read
	case kind < w.mix.Reads+w.mix.Writes:
		operation.Kind = history.Write
		operation.Value = c.next()
	default:
		operation.Kind = history.CompareAndSet
		operation.Value = c.next()
		operation.Expected = c.expected(age)
	}
	return operation, true
}

// Completed remembers what a live key held, as far as the outcome tells.
func (w *register) Completed(op history.Operation) {
	place, live := w.live[op.Key]
	if !live || op.Outcome != history.OK {
		return
	}
	set := op.Kind == history.Write || op.Kind == history.CompareAndSet && op.Applied
	if set {
		w.contents[place].saw(op.Value)
	} else {
		w.contents[place].saw(op.Returned)
	}
}

// Recovery writes every live key through the node and reads it back.
func (w *register) Recovery(node string) []history.Operation {
	var operations []history.Operation
	for place := range w.contents {
		key := w.key(place, 0)
		operations = append(operations,
			history.Operation{
				Node: node, Kind: history.Write, Key: key, Value: w.contents[place].next(),
			},
			history.Operation{Node: node, Kind: history.Read, Key: key})
	}
	return operations
}

// FinalReads reads the live keys at every node and the retired ones at one.
func (w *register) FinalReads(nodes []string) *FinalReads {
	return newFinalReads(w.places, nodes, finalPlan{
		live: []history.Kind{history.Read}, retired: history.Read,
	})
}

// next returns a value that the key was never asked to hold.
func (c *content) next() history.Value {
	c.written++
	return history.NewValue(strconv.Itoa(c.written))
}

// saw makes a value the newest that is known.
func (c *content) saw(value history.Value) {
	if !value.IsSet() {
		return
	}
	c.known = slices.DeleteFunc(c.known, func(v history.Value) bool { return v == value })
	if len(c.known) == maxKnown {
		c.known = slices.Delete(c.known, 0, 1)
	}
	c.known = append(c.known, value)
}

// expected returns a known value by its age: 0 is the newest; nothing is older than all.
func (c *content) expected(age int) history.Value {
	if age >= len(c.known) {
		return history.Value{}
	}
	return c.known[len(c.known)-1-age]
}
