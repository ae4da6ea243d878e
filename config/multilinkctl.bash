# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of multilinkctl for bash: subcommands, options, and the uplinks of the configuration.

# The names of the uplinks in the configuration file that the line names.
_multilinkctl_uplinks() {
  local i file=/etc/multilink/interfaces.conf
  for ((i = 1; i + 1 < ${#COMP_WORDS[@]}; i++)); do
    [[ ${COMP_WORDS[i]} == --config ]] && file=${COMP_WORDS[i + 1]}
  done
  [[ -r $file ]] || return 0
  awk '
    function tell() { if (uplink != "") print uplink }
    { sub(/(^|[ \t])[#;].*$/, ""); gsub(/^[ \t]+|[ \t\r]+$/, "") }
    /^\[.*\]$/ {
      tell()
      uplink = substr($0, 2, length($0) - 2)
      if (uplink ~ /^(multilink|squid|notify|policy([ \t].*)?)$/) uplink = ""
      next
    }
    uplink != "" && /^name[ \t]*=/ { sub(/^name[ \t]*=[ \t]*/, ""); uplink = $0 }
    END { tell() }
  ' "$file"
}

_multilinkctl() {
  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  local commands='status explain history report replay proxy init doctor config events disable enable drain drill'
  local common='--config --redis --help --version'
  local command='' second='' i word words
  COMPREPLY=()

  case $before in
    --config | --file | --output | --against)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      compopt -o filenames 2>/dev/null || :
      return
      ;;
    --uplink)
      mapfile -t COMPREPLY < <(compgen -W "$(_multilinkctl_uplinks)" -- "$current")
      return
      ;;
    --iif | --oif)
      mapfile -t COMPREPLY < <(compgen -W "$(cd /sys/class/net 2>/dev/null && echo *)" -- "$current")
      return
      ;;
    --proto)
      mapfile -t COMPREPLY < <(compgen -W 'tcp udp icmp' -- "$current")
      return
      ;;
    --redis | --from | --port | --mark | --set | --hours | --days | --month | --count | --for | --timeout) return ;;
  esac

  # The first two words that are neither options nor their values.
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $word in
      --config | --redis | --file | --output | --against | --uplink | --iif | --oif | --proto | --from | --port | --mark | \
        --set | --hours | --days | --month | --count | --for | --timeout) i=$((i + 1)) ;;
      -*) ;;
      *)
        if [[ -z $command ]]; then
          command=$word
        elif [[ -z $second ]]; then
          second=$word
        fi
        ;;
    esac
  done

  case $command in
    '') words="$commands $common" ;;
    status) words="--json --check --watch --no-colour $common" ;;
    explain) words="--from --iif --oif --proto --port --mark --json $common" ;;
    history) words="--uplink --hours --days --json --csv $common" ;;
    report) words="--uplink --month --json --html $common" ;;
    replay) words="--uplink --file --set --json $common" ;;
    proxy) [[ $second == apply ]] && words="--no-start $common" || words="apply --json $common" ;;
    init) words="--output --force $common" ;;
    doctor) words="--json $common" ;;
    disable | enable | drain | drill)
      case $command in
        disable) words="--for --force $common" ;;
        drain) words="--for --wait --timeout --json $common" ;;
        enable) words=$common ;;
        drill) words="--for --force --json $common" ;;
      esac
      [[ -n $second ]] || words="$(_multilinkctl_uplinks) $words"
      ;;
    events) words="--follow --count --json $common" ;;
    config)
      if [[ -z $second ]]; then
        words="check diff $common"
      else
        words="--json $common"
        [[ $second == diff ]] && words="--against $words"
        if [[ $current != -* ]]; then
          mapfile -t COMPREPLY < <(compgen -f -- "$current")
          compopt -o filenames 2>/dev/null || :
          return
        fi
      fi
      ;;
    *) words=$common ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -F _multilinkctl multilinkctl
