package linearizability

import (
	"fmt"
	"slices"
	"strings"

	"ordeal/history"
)

// A Model says what a correct object does, one operation at a time.
type Model struct {
	name string
	// judged are the kinds of operations that the model judges, ignored those that may stand in
	// the same history and are judged elsewhere.
	judged  []history.Kind
	ignored []history.Kind
}

// Register is a register that holds one value, at first nothing: a read returns it, a write
// replaces it, a compare-and-set replaces it if it is the expected one and else says what it is.
func Register() Model {
	return Model{
		name:   "register",
		judged: []history.Kind{history.Read, history.Write, history.CompareAndSet},
	}
}

// Decision is single-decree consensus: the first proposal is chosen, and every proposal is told
// the chosen value. What learners learned is not linearizable and not judged by it: CheckDecision
// does.
func Decision() Model {
	return Model{
		name:    "decision",
		judged:  []history.Kind{history.Propose},
		ignored: []history.Kind{history.Learn},
	}
}

// Models returns all models, by name.
func Models() []Model { return []Model{Decision(), Register()} }

// ModelNamed returns the model of that name, which is how a history's header calls it.
func ModelNamed(name string) (Model, error) {
	models := Models()
	i := slices.IndexFunc(models, func(m Model) bool { return m.name == name })
	if i >= 0 {
		return models[i], nil
	}
	var names []string
	for _, m := range models {
		names = append(names, m.name)
	}
	return Model{}, fmt.Errorf("there is no model %q (known are %s)",
		name, strings.Join(names, ", "))
}

// Name returns the name of the model.
func (m Model) Name() string { return m.name }
