#include "contract/yaml.h"
