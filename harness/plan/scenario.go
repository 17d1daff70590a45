package plan

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"

	"ordeal/nemesis"
)

// scenarioMax bounds a scenario file, in bytes.
const scenarioMax = 16 << 20

// Read takes over from a scenario file what it says; what it does not mention stays as it is in
// base. Unknown fields are errors; an error shows the place in the file.
func Read(file io.Reader, base Plan) (Plan, error) {
	text, err := io.ReadAll(io.LimitReader(file, scenarioMax+1))
	if err != nil {
		return Plan{}, fmt.Errorf("read scenario: %w", err)
	}
	if len(text) > scenarioMax {
		return Plan{}, fmt.Errorf("scenario is longer than %d bytes", scenarioMax)
	}
	result := base
	if err := nemesis.DecodeStrict(text, &result); err != nil {
		return Plan{}, explained(err)
	}
	if result.Faults != nil && len(result.Faults) == 0 {
		return Plan{}, errors.New("faults is an empty list (accepted: a list of faults, no faults " +
			"at all to have them drawn, or nemesis: [none] for none)")
	}
	return result, nil
}

// explained returns a decoder's error about a field that a scenario does not have with those that
// it has, in the place where the decoder names it.
func explained(err error) error {
	var unknown *yaml.UnknownFieldError
	if !errors.As(err, &unknown) || strings.Contains(unknown.Message, "want") {
		return err
	}
	var fields []string
	t := reflect.TypeFor[Plan]()
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		fields = append(fields, name)
	}
	return &yaml.UnknownFieldError{
		Message: unknown.Message + ": want some of " + strings.Join(fields, ", "),
		Token:   unknown.Token,
	}
}

// Write prints the plan as a scenario file.
func Write(w io.Writer, p Plan) error {
	text, err := yaml.MarshalWithOptions(p, yaml.UseSingleQuote(false))
	if err != nil {
		return fmt.Errorf("print scenario: %w", err)
	}
	_, err = w.Write(text)
	return err
}
