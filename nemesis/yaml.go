package nemesis

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// document is a file that holds nothing but a schedule.
type document struct {
	Faults Schedule `yaml:"faults"`
}

// DecodeSchedule reads a schedule from a YAML document with the one key "faults", as described at
// the top of the package. The result is ordered and every fault has an id, but it is not resolved,
// and what depends on the nodes and the length of the run is left to [Schedule.Validate]. An error
// shows the place in the document with a caret and says what is accepted.
//
// As a field of a larger structure a [Schedule] decodes in the same way; the decoder must be strict
// there, as [DecodeStrict] is, or keys that are misspelled go unnoticed.
func DecodeSchedule(data []byte) (Schedule, error) {
	var d document
	if err := DecodeStrict(data, &d); err != nil {
		return nil, fmt.Errorf("decode the schedule: %w", err)
	}
	return d.Faults, nil
}

// DecodeStrict reads the one YAML document that data holds into what target points to, and accepts
// no keys but those of the target, each once. An empty document leaves the target as it is. It is
// for files that have a schedule among other things.
func DecodeStrict(data []byte, target any) (err error) {
	// The decoder panics on some malformed documents (v1.19.2 on a tag without a value).
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("the YAML is malformed: %v", reason)
		}
	}()
	if onlyComments(data) {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	if err := decoder.Decode(target); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	var more any
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one document: want one")
	}
	return nil
}

// onlyComments tells whether nothing stands in a document. The decoder would set the target to its
// zero value then.
func onlyComments(data []byte) bool {
	for line := range bytes.Lines(data) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

// EncodeSchedule writes a schedule as the YAML document that [DecodeSchedule] reads. Ordered
// schedules are decoded to what they were.
func EncodeSchedule(s Schedule) ([]byte, error) {
	if s == nil {
		s = Schedule{}
	}
	data, err := yaml.MarshalWithOptions(document{s}, yaml.IndentSequence(true))
	if err != nil {
		return nil, fmt.Errorf("encode the schedule: %w", err)
	}
	return data, nil
}

// UnmarshalYAML reads the list of faults and orders it. It is called by the YAML decoder.
func (s *Schedule) UnmarshalYAML(unmarshal func(any) error) error {
	var node ast.Node
	if err := unmarshal(&node); err != nil {
		return err
	}
	var faults []Fault
	if err := unmarshal(&faults); err != nil {
		return err
	}
	for _, fault := range faults {
		if fault.Kind == "" { // a null, which is not given to Fault.UnmarshalYAML
			return errorAt(node, "a fault of the list is empty: want its keys, or no list entry")
		}
	}
	*s = Schedule{} // there is a list, if an empty one
	if len(faults) > 0 {
		*s = Schedule(faults).Ordered()
	}
	return nil
}

// faultFields are the fields of a Fault as they are read: every one of a type that says in its
// errors what is accepted.
type faultFields struct {
	ID     string       `yaml:"id"`
	At     yamlDuration `yaml:"at"`
	For    yamlDuration `yaml:"for"`
	Kind   Kind         `yaml:"kind"`
	Name   string       `yaml:"name"`
	Nodes  []string     `yaml:"nodes"`
	Groups [][]string   `yaml:"groups"`
	Cut    Graph        `yaml:"cut"`

	Links     Graph        `yaml:"links"`
	Delay     yamlDuration `yaml:"delay"`
	Jitter    yamlDuration `yaml:"jitter"`
	Loss      yamlNumber   `yaml:"loss"`
	Duplicate yamlNumber   `yaml:"duplicate"`
	Hold      yamlTruth    `yaml:"hold"`
	Stay      yamlTruth    `yaml:"stay"`
	Rate      yamlNumber   `yaml:"rate"`
}

// UnmarshalYAML reads a fault and checks what can be checked without knowing the nodes. It is
// called by the YAML decoder.
func (f *Fault) UnmarshalYAML(unmarshal func(any) error) error {
	var node ast.Node
	if err := unmarshal(&node); err != nil {
		return err
	}
	var fields faultFields
	if err := unmarshal(&fields); err != nil {
		return explained(err)
	}
	fault := Fault{
		ID: fields.ID, At: fields.At.value, For: fields.For.value, Kind: fields.Kind,
		Name: fields.Name, Nodes: fields.Nodes, Groups: fields.Groups, Cut: fields.Cut,
		Links: fields.Links, Delay: fields.Delay.value, Jitter: fields.Jitter.value,
		Loss: int(fields.Loss), Duplicate: int(fields.Duplicate), Hold: bool(fields.Hold),
		Rate: int(fields.Rate), Stay: bool(fields.Stay),
	}
	if len(fault.Nodes) == 0 {
		fault.Nodes = nil // an empty list is as good as none, and is not written
	}
	if len(fault.Groups) == 0 {
		fault.Groups = nil
	}
	if err := fields.validate(fault); err != nil {
		return errorAt(blamed(node, err), err.Error())
	}
	*f = fault
	return nil
}

// validate checks the fault that the fields stand for, which are needed to tell what was not given.
func (fields faultFields) validate(fault Fault) error {
	if !fields.At.given {
		return errors.New("at is missing: want the time since the clients started, such as 3s")
	}
	if !fields.For.given {
		return errors.New("for is missing: want how long it lasts, such as 3s")
	}
	if fault.Kind == "" {
		return fmt.Errorf("kind is missing: want one of %s", acceptedKinds())
	}
	if err := fault.validateTimes(); err != nil {
		return err
	}
	return fault.validateShape()
}

// explained returns a decoder's error with what is accepted, where the decoder cannot know it.
func explained(err error) error {
	var unknown *yaml.UnknownFieldError
	if errors.As(err, &unknown) {
		return &yaml.UnknownFieldError{
			Message: unknown.Message +
				": want some of id, at, for, kind, name, nodes, groups, cut, links, delay, " +
				"jitter, loss, duplicate, hold, rate, stay",
			Token: unknown.Token,
		}
	}
	var mismatch *yaml.TypeError
	if errors.As(err, &mismatch) {
		return &yaml.SyntaxError{
			Message: "want a text, such as the name of a node",
			Token:   mismatch.Token,
		}
	}
	return err
}

// blamed returns the value in the fault that an error is about, or else the fault.
func blamed(fault ast.Node, err error) ast.Node {
	var wrong *fieldError
	fields, ok := fault.(ast.MapNode)
	if !ok || !errors.As(err, &wrong) {
		return fault
	}
	for field := fields.MapRange(); field.Next(); {
		if field.Key().String() == wrong.field {
			return field.Value()
		}
	}
	return fault
}

// A yamlDuration is a duration that is written with its unit.
type yamlDuration struct {
	value time.Duration
	given bool
}

// UnmarshalYAML reads a duration as time.ParseDuration does, except that 0 wants a unit too.
func (d *yamlDuration) UnmarshalYAML(node ast.Node) error {
	text, ok := node.(*ast.StringNode)
	if ok {
		if value, err := time.ParseDuration(text.Value); err == nil {
			*d = yamlDuration{value: value, given: true}
			return nil
		}
	}
	return errorAt(node, fmt.Sprintf("%s is not a duration: want a number with a unit, "+
		"such as 3s, 1.5s or 250ms", node))
}

// A yamlNumber is a whole number.
type yamlNumber int

// UnmarshalYAML reads it.
func (n *yamlNumber) UnmarshalYAML(node ast.Node) error {
	number, err := strconv.ParseInt(node.String(), 10, 32)
	if err != nil {
		return errorAt(node, fmt.Sprintf("%s is not a whole number: want one, such as 20", node))
	}
	*n = yamlNumber(number)
	return nil
}

// A yamlTruth is true or false.
type yamlTruth bool

// UnmarshalYAML reads it.
func (t *yamlTruth) UnmarshalYAML(node ast.Node) error {
	truth, ok := node.(*ast.BoolNode)
	if !ok {
		return errorAt(node, fmt.Sprintf("%s is neither true nor false", node))
	}
	*t = yamlTruth(truth.Value)
	return nil
}

// errorAt returns an error that is shown with the place of node in the document.
func errorAt(node ast.Node, message string) error {
	return &yaml.SyntaxError{Message: message, Token: node.GetToken()}
}
