# SPDX-License-Identifier: MIT
# Completion for bash: commands, options, and the words that options take, as --help prints them.

# _dewy_commands: prints the commands that "dewy --help", on standard input, lists.
_dewy_commands() {
  awk '/^Commands:/ { commands = 1; next } /^Programs/ { programs = 1; next } /^$/ { commands = programs = 0 }
    commands { print $1 } programs { print }'
}

# _dewy_argument OPTION: prints what the help on standard input calls the value of the option, nothing when it has none.
_dewy_argument() {
  [[ $1 =~ ^--?[a-z-]+$ ]] && sed -nE "s/^  (-., )?$1(, --[a-z-]+)? ([^ ]+) .*/\3/p"
}

_dewy() {
  local word=$2 help argument words
  local -a tool=("${COMP_WORDS[0]}")
  compopt +o default 2>/dev/null
  if [[ " ${COMP_WORDS[*]:0:COMP_CWORD} " == *" -- "* ]]; then
    mapfile -t COMPREPLY < <(compgen -c -- "$word")
    return
  fi
  if [[ ${tool[0]##*/} == dewy ]] && ((COMP_CWORD > 1)); then
    tool+=("${COMP_WORDS[1]}")
  fi
  help=$("${tool[@]}" --help 2>/dev/null) || return
  argument=$(_dewy_argument "$3" <<<"$help")
  case $argument in
    'FILE|'* | FILE | SOCKET) mapfile -t COMPREPLY < <(compgen -f -- "$word") ; return ;;
    *'|'*) words=${argument//|/ } ;;
    DIR) mapfile -t COMPREPLY < <(compgen -d -- "$word") ; return ;;
    USER) mapfile -t COMPREPLY < <(compgen -u -- "$word") ; return ;;
    GROUP) mapfile -t COMPREPLY < <(compgen -g -- "$word") ; return ;;
    '') words="$(_dewy_commands <<<"$help") $(grep -oE '^  (-., )?--[a-z-]+' <<<"$help" | grep -oE -- '--[a-z-]+')" ;;
    *) words= ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _dewy dewy dewy-check dewy-fetch dewy-deploy dewy-restart dewy-notify dewy-serve dewy-doctor
