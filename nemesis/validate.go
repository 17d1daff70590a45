package nemesis

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Validate returns an error unless the schedule can be run on the nodes within the time: the nodes
// have names, each its own; every fault has an id, each its own, can be resolved, starts at 0 or
// later, lasts longer than 0, is healed by the end and can have an effect: no other fault keeps its
// victims dead all the while. The error is one line that names the first fault that is wrong, what
// is wrong with it and what is accepted. How many nodes may be lost is for
// [Schedule.ValidateLosses]. A schedule that was just decoded is ordered already; one that was put
// together otherwise needs [Schedule.Ordered] first.
func (s Schedule) Validate(nodes []string, end time.Duration) error {
	if err := validateNames(nodes); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, fault := range s {
		err := fault.validate(nodes, end)
		if err == nil && seen[fault.ID] {
			err = errors.New("the id is used twice: want another, or none to have one given")
		}
		if err != nil {
			return fmt.Errorf("fault %s: %w", fault.label(i), err)
		}
		seen[fault.ID] = true
		if i > 0 && compareFaults(s[i-1], fault) > 0 {
			return fmt.Errorf("fault %s: it stands after %s, which starts later: want the order "+
				"of time", fault.label(i), s[i-1].label(i-1))
		}
	}
	return s.validateOverlaps()
}

// validate checks one fault for its own sake.
func (f Fault) validate(nodes []string, end time.Duration) error {
	if f.ID == "" {
		return errors.New("it has no id")
	}
	if !isName(f.ID) {
		return fmt.Errorf("id %q: want %s", f.ID, nameForm)
	}
	if err := f.validateTimes(); err != nil {
		return err
	}
	if f.For > end-f.At {
		return fmt.Errorf("at %v for %v ends after the run: want an end by %v", f.At, f.For, end)
	}
	_, err := f.Resolve(nodes)
	return err
}

// validateTimes checks what can be said of the times without knowing the length of the run.
func (f Fault) validateTimes() error {
	if f.At < 0 {
		return fieldErrorf("at", "at %v is negative: want the time since the clients started, "+
			"from 0s", f.At)
	}
	if f.For <= 0 {
		return fieldErrorf("for", "for %v is not positive: want how long it lasts, such as 3s",
			f.For)
	}
	return nil
}

// validateNames returns an error unless nodes are names, each once.
func validateNames(nodes []string) error {
	if len(nodes) == 0 {
		return errors.New("there are no nodes: want at least one")
	}
	for i, name := range nodes {
		if !isName(name) {
			return fmt.Errorf("a node is called %q: want %s", name, nameForm)
		}
		if slices.Contains(nodes[:i], name) {
			return fmt.Errorf("two nodes are called %s: want a name for each", name)
		}
	}
	return nil
}

// nameForm says in an error what isName accepts.
const nameForm = "a letter, then up to 62 letters, digits, hyphens, underscores and dots"

// isName tells whether text can name a node, a fault or a constructor. Names are also those of
// hosts, files and keys in YAML and JSON: anything else would have to be quoted somewhere.
func isName(text string) bool {
	for i, c := range []byte(text) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789-_.", rune(c))) {
			return false
		}
	}
	return text != "" && len(text) <= 63
}

// A fieldError is what is wrong with one field of a fault, so that a decoder can point at it.
type fieldError struct {
	// field is the key in YAML.
	field   string
	message string
}

func (e *fieldError) Error() string { return e.message }

func fieldErrorf(field, format string, arguments ...any) error {
	return &fieldError{field: field, message: fmt.Sprintf(format, arguments...)}
}
