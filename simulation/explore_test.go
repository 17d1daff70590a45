package simulation_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"ordeal/harness/plan"
	"ordeal/node/paxos"
)

func TestExplore(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("EXPLORE"))
	if n == 0 {
		t.Skip()
	}
	for _, bug := range paxos.Bugs() {
		found := map[string]int{}
		first, total := -1, 0
		for seed := range uint64(n) {
			o := rehearse(t, plan.Swarm(seed, bug.Name))
			if len(o.Findings) > 0 {
				if first < 0 {
					first = int(seed)
				}
				total++
				found[o.Class()]++
			}
		}
		fmt.Printf("%-30s first %4d, %4d of %d  %v\n", bug.Name, first, total, n, found)
	}
}
