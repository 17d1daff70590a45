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
		return Header{}, fmt.Errorf("the first line is not the header of a history: %w", err)
	}
	if h.Format != Format {
		return Header{}, fmt.Errorf("the format is %q, want %q", h.Format, Format)
	}
	if h.Version != Version {
		return Header{}, fmt.Errorf("version %d of the format is not known, want %d",
			h.Version, Version)
	}
	return h, nil
}
