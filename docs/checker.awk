# Makes the table of the checker out of what BenchmarkTable of linearizability prints.
# A cell is BenchmarkTable/OPERATIONS/PROCESSES/UNKNOWN/HOW/VERDICT/KEYS-CPUS.
/^BenchmarkTable\// {
    sub(/-[0-9]+$/, "", $1)
    split($1, name, "/")
    row = name[2] "/" name[6] "/" name[7]
    cell = name[3] "/" name[4] "/" name[5] "/" name[6] "/" name[7]
    ms = mib = raw = ""
    for (i = 3; i < NF; i += 2) {
        if ($(i + 1) == "ms") ms = $i
        if ($(i + 1) == "MiB") mib = $i
        if ($(i + 1) == "porcupine-ms") raw = $i
    }
    if (ms == "") next
    count[row]++
    took[row, count[row]] = ms
    if (mib + 0 > most[row] + 0) most[row] = mib
    if (raw != "") { answers[row]++; rawTook[row, answers[row]] = raw }
    at[name[2], cell] = ms
    if (name[2] == 10000) cells[++cellCount] = cell
}

# sorted fills list with the n values of key in all, rising.
function sorted(all, key, n,    i, j, v) {
    delete list
    for (i = 1; i <= n; i++) {
        v = all[key, i] + 0
        for (j = i - 1; j >= 1 && list[j] > v; j--) list[j + 1] = list[j]
        list[j + 1] = v
    }
}

function show(ms) { return ms < 10 ? sprintf("%.1f ms", ms) : ms < 1000 ? sprintf("%.0f ms", ms) : sprintf("%.2f s", ms / 1000) }

END {
    print "| operations | keys | history | cells | Ordeal: median | worst | most memory held | porcupine alone answers | median of these |"
    print "|---|---|---|---|---|---|---|---|---|"
    for (n = 1000; n <= 1000000; n *= 10) {
        for (k = 1; k <= 2; k++) {
            for (v = 1; v <= 2; v++) {
                keys = k == 1 ? "one" : "rotating"
                verdict = v == 1 ? "legal" : "stale"
                row = n "/" verdict "/" keys
                if (!count[row]) continue
                sorted(took, row, count[row])
                median = list[int((count[row] + 1) / 2)]
                worst = list[count[row]]
                line = sprintf("| %d | %s | %s | %d | %s | %s | %.0f MiB |", n, keys, verdict == "legal" ? "legal" : "one stale read", count[row], show(median), show(worst), most[row])
                sorted(rawTook, row, answers[row])
                print line sprintf(" %d of %d | %s |", answers[row], count[row], answers[row] ? show(list[int((answers[row] + 1) / 2)]) : "-")
            }
        }
    }
    for (i = 1; i <= cellCount; i++) {
        if (at[10000, cells[i]] > 0 && at[1000000, cells[i]] > 0)
            growth["g", ++ratios] = at[1000000, cells[i]] / at[10000, cells[i]] / 100
    }
    if (ratios) {
        sorted(growth, "g", ratios)
        printf "\nFrom 10,000 to 1,000,000 operations the time for one operation grows by %.2f in the median cell, %.2f in the worst (1 is linear).\n", list[int((ratios + 1) / 2)], list[ratios]
    }
}
