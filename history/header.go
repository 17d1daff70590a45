package history

import (
	"encoding/json"
	"fmt"
)

// Format and Version say on the first line what a file is. A Reader refuses any other.
const (
	Format  = "ordeal-history"
	Version = 1
)

// A Header is the first line of a history: what the file is, and which run it records. A Writer
// sets Format and Version.
type Header struct {
	Format   string `json:"format"`
	Version  int    `json:"version"`
	Run      string `json:"run"`
	Workload string `json:"workload"`
	// Model is the name of the model that judges the history, such as "register".
	Model string `json:"model"`
	// Seed is the run's seed. It is a number of 64 bits, of which some JSON tools keep 53.
	Seed uint64 `json:"seed"`
}

// parseHeader reads the first line. Fields that it does not know are left to later versions.
func parseHeader(line []byte) (Header, error) {
	var h Header
	if err := json.Unmarshal(line, &h); err != nil {
		return Header{}, notHeader(explainJSON(err))
	}
	if h.Format != Format {
		return Header{}, notHeader(fmt.Errorf("the format is %q", h.Format))
	}
	if h.Version > Version {
		return Header{}, fmt.Errorf("the history is of version %d of the format, which is newer "+
			"than this program (accepted: %d)", h.Version, Version)
	}
	if h.Version != Version {
		return Header{}, fmt.Errorf("version %d of the format is not known (accepted: %d)",
			h.Version, Version)
	}
	if err := checkText(line); err != nil {
		return Header{}, notHeader(err)
	}
	return h, nil
}

func notHeader(err error) error {
	return fmt.Errorf("the first line is not the header of a history: %w "+
		`(accepted: {"format":%q,"version":%d,…})`, err, Format, Version)
}
