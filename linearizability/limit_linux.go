package linearizability

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// limitMemory has the kernel refuse this process more memory than it holds now and so many bytes.
// What counts is what it can write to (RLIMIT_DATA, setrlimit(2)), of which the Go runtime takes 64
// MiB at a time. A lower limit that is there already stays.
func limitMemory(bytes int64) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_DATA, &limit); err != nil {
		return fmt.Errorf("ask for the limit: %w", err)
	}
	const arena = 64 << 20
	limit.Cur = min(limit.Cur, limit.Max, heldBytes()+uint64(bytes)+2*arena)
	if err := unix.Setrlimit(unix.RLIMIT_DATA, &limit); err != nil {
		return fmt.Errorf("set the limit: %w", err)
	}
	return nil
}
